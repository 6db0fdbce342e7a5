/** Explains what the gate answers to a request that pays nothing, and why. Pure: it takes the gate's own steps. */
import type { Published } from '../identity/claim.ts'
import { type Asker, classify } from '../identity/classify.ts'
import { crawlerNamed } from '../identity/crawlers.ts'
import { type Refusal, wire } from '../protocol/refusal.ts'
import type { PaymentRequirements } from '../protocol/x402/types.ts'
import { speakerOf } from './dialects/index.ts'
import { blocked } from './gate.ts'
import { type Offerers, offersOf } from './offers.ts'
import { canonicalize, everyReading, siteOrigin, targetOf } from './path.ts'
import { type Decision, decide, decideUrl, type Policy } from './policy.ts'
import type { Reading } from './readings.ts'
import { refused, refusedSale } from './response.ts'

/** The part of a site that decides. Without `offerers` a 402 is shown bare. `published`: the addresses that operators publish. */
export type ExplainedSite = { policy: Policy; offerers: Offerers | undefined; published: Published }

/** The request to explain. */
export type ExplainedRequest = {
  /** An absolute URL. */
  url: string
  method: string
  /** The name of a known crawler, `reader`, or a whole User-Agent. */
  as: string
  /** The client's address. */
  ip: string | undefined
  /** The host of its `Signature-Agent`, whose signature counts as valid; undefined without a signature. */
  signedBy: string | undefined
  /** Cloudflare states that it is the crawler that it names. */
  isVerified?: boolean | undefined
  /** Its country as rules name it; undefined for none. */
  country?: string | undefined
  /** The time of the request, in Unix milliseconds. */
  now: number
}

/** One reading of the URL, and the decision for it. `price` in micro-dollars. */
export type ExplainedReading = Pick<Decision, 'action' | 'price' | 'why'> & {
  /** The path and query that rules match. */
  reading: string
  /** `RULES[0]`, `free` or `default`. */
  rule: string
  /** The names of the factors that made the price. */
  factors: readonly string[]
  /** The origin may state another price or date for this page. It was not asked. */
  asksOrigin: boolean
}

/** The answer and its reasons. */
export type Explanation = {
  url: string
  method: string
  userAgent: string
  client: Asker
  /** `pass`: the origin answers. `refuse`: the URL is ambiguous or too long. */
  outcome: 'pass' | 'charge' | 'block' | 'refuse'
  /** The status of the gate's own answer; null where the origin answers. */
  status: number | null
  /** The code and sentence of a refusal. */
  refusal: { code: string; message: string } | null
  /** The decision that holds: for crawlers the dearest of the readings. Null for a refused URL. */
  decision: Omit<ExplainedReading, 'reading'> | null
  readings: ExplainedReading[]
  /** The offers of a 402, and the headers of the gate's own answer. */
  offers: PaymentRequirements[]
  headers: Record<string, string>
}

const BROWSER =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

/** The User-Agent of `as`: a typical one for a known crawler or for `reader`, else the text itself. */
export function userAgentOf(as: string): string {
  if (as.toLowerCase() === 'reader') return BROWSER
  const crawler = crawlerNamed(as)
  return crawler ? `Mozilla/5.0 (compatible; ${crawler.name}/1.0)` : as
}

/** Explains one request. */
export function explain(
  { policy, offerers, published }: ExplainedSite,
  request: ExplainedRequest,
): Explanation {
  const { url, method, country, now } = request
  const userAgent = userAgentOf(request.as)
  const client = classify({
    userAgent,
    signed: request.signedBy !== undefined,
    signer: request.signedBy,
    paying: false,
    ...(request.isVerified && { cf: { botManagement: { verifiedBot: true } } }),
    address: request.ip,
    published,
  })
  const about = { url, method, userAgent, client }
  const [site, target] = [siteOrigin(url), targetOf(url)]
  const decided = decideUrl(policy, { method, url, asker: client, country, now })
  if (!decided.ok || site === null || !target) {
    const refusal: Refusal = decided.ok ? { reason: 'ambiguous_path' } : decided.refusal
    const readings = readingsOf(policy, request, client)
    return {
      ...about,
      ...answerOf('refuse', refused(refusal), refusal),
      decision: null,
      readings,
      offers: [],
    }
  }
  const decision = decided.value
  const facts = { ...about, decision: shown(decision), readings: readingsOf(policy, request, client) }
  if (decision.action === 'allow')
    return { ...facts, outcome: 'pass', status: null, refusal: null, offers: [], headers: {} }
  if (decision.action === 'block') {
    const refusal = blocked(decision)
    return { ...facts, ...answerOf('block', refused(refusal), refusal), offers: [] }
  }
  const offers = offersOf(policy, decision, offerers ?? {})
  const refusal: Refusal = { reason: 'payment_required' }
  const response = refusedSale(refusal, {
    offers,
    url: `${site}${target.path}${target.search}`,
    browser: false,
    note: client.refutation && `This request ${client.refutation}.`,
    head: method === 'HEAD',
    dialect: speakerOf(undefined, offers.made),
  })
  return { ...facts, ...answerOf('charge', response, refusal), offers: offers.made.map(({ terms }) => terms) }
}

/** Each reading by itself. A URL that is refused to crawlers has those of careless servers too. */
function readingsOf(
  policy: Policy,
  { url, method, country, now }: ExplainedRequest,
  asker: Asker,
): ExplainedReading[] {
  const path = canonicalize(url, policy.paths)
  const readings: readonly Reading[] = path.ok
    ? [path.value, ...(path.value.readings ?? [])]
    : (everyReading(url) ?? [])
  return readings.map(({ match, search }) => ({
    reading: `${match}${search}`,
    ...shown(decide(policy, { method, path: { path: match, match, search }, asker, country, now })),
  }))
}

/** The factors of a decision, where its rule has any. */
type Factors = { factors?: readonly string[]; asks?: true }

function shown({
  action,
  price,
  rule,
  why,
  factors = [],
  asks,
}: Decision & Factors): Omit<ExplainedReading, 'reading'> {
  const name = typeof rule === 'number' ? `RULES[${rule}]` : rule
  return { action, price, rule: name, why, factors, asksOrigin: asks === true }
}

function answerOf(outcome: Explanation['outcome'], { status, headers }: Response, { reason }: Refusal) {
  const { code, sentence } = wire(reason)
  return { outcome, status, refusal: { code, message: sentence }, headers: Object.fromEntries(headers) }
}
