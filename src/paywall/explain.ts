/** Explains what the gate answers to a request that pays nothing, and why. Pure: it takes the gate's own steps. */
import type { Published } from '../identity/claim.ts'
import { type Asker, classify } from '../identity/classify.ts'
import { crawlerNamed } from '../identity/crawlers.ts'
import { type Refusal, wire } from '../protocol/refusal.ts'
import type { PaymentRequirements } from '../protocol/x402/types.ts'
import { speakerOf } from './dialects/index.ts'
import { type Offerers, offersOf } from './offers.ts'
import { type CanonicalPath, canonicalize, siteOrigin } from './path.ts'
import { type Decision, decide, type Policy } from './policy.ts'
import { refused, refusedSale } from './response.ts'

/** The part of a site that decides. Without `offerers` a 402 has no offers. `published`: the addresses that operators publish. */
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
}

/** One reading of the URL, and the decision for it. `price` in micro-dollars. */
export type ExplainedReading = Omit<Decision, 'schemes' | 'rule'> & {
  /** The path and query that rules match. */
  reading: string
  /** `RULES[0]`, `free` or `default`. */
  rule: string
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
  /** The decision that holds: the dearest of the readings. Null for a refused URL. */
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
  const { url, method } = request
  const userAgent = userAgentOf(request.as)
  const client = classify({
    userAgent,
    signed: request.signedBy !== undefined,
    signer: request.signedBy,
    paying: false,
    address: request.ip,
    published,
  })
  const about = { url, method, userAgent, client }
  const path = canonicalize(url)
  const site = siteOrigin(url)
  if (!path.ok || site === null) {
    const refusal: Refusal = path.ok ? { reason: 'ambiguous_path' } : path.refusal
    return {
      ...about,
      ...answerOf('refuse', refused(refusal), refusal),
      decision: null,
      readings: [],
      offers: [],
    }
  }
  const decided = (read: CanonicalPath) => decide(policy, { method, path: read, asker: client })
  const decision = decided(path.value)
  const facts = { ...about, decision: shown(decision), readings: readingsOf(path.value, decided) }
  if (decision.action === 'allow')
    return { ...facts, outcome: 'pass', status: null, refusal: null, offers: [], headers: {} }
  if (decision.action === 'block') {
    const refusal: Refusal = { reason: 'blocked' }
    return { ...facts, ...answerOf('block', refused(refusal), refusal), offers: [] }
  }
  const offers = offersOf(policy, decision, offerers ?? {})
  const refusal: Refusal = { reason: 'payment_required' }
  const response = refusedSale(refusal, {
    offers,
    url: `${site}${path.value.path}${path.value.search}`,
    browser: false,
    head: method === 'HEAD',
    dialect: speakerOf(undefined, offers.made),
  })
  return { ...facts, ...answerOf('charge', response, refusal), offers: [...offers.made.values()] }
}

function readingsOf(path: CanonicalPath, decided: (path: CanonicalPath) => Decision): ExplainedReading[] {
  return [path].map(({ match, search }) => ({
    reading: `${match}${search}`,
    ...shown(decided({ ...path, match, search })),
  }))
}

function shown({ action, price, rule, why }: Decision): Omit<ExplainedReading, 'reading'> {
  return { action, price, rule: typeof rule === 'number' ? `RULES[${rule}]` : rule, why }
}

function answerOf(outcome: Explanation['outcome'], { status, headers }: Response, { reason }: Refusal) {
  const { code, sentence } = wire(reason)
  return { outcome, status, refusal: { code, message: sentence }, headers: Object.fromEntries(headers) }
}
