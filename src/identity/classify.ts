/** Classifies clients as crawlers or readers, with reasons. Pure. */
import { isListedBot, isPersonal } from './browser.ts'
import { judgeClaim, type NameClaim, type Published } from './claim.ts'
import { CATEGORIES, type Crawler, type CrawlerClass, crawlerOfSigner, findCrawler } from './crawlers.ts'
import { productOf } from './product.ts'

/** The evidence in a request. Absent evidence is undefined, never a guess. */
export type ClientEvidence = {
  userAgent: string | null
  /** The part of `request.cf` about crawlers. */
  cf?:
    | {
        botManagement?: { verifiedBot?: boolean; score?: number } | null | undefined
        verifiedBotCategory?: string | null | undefined
      }
    | null
    | undefined
  /** The request carries an HTTP message signature (not: a valid one). */
  signed: boolean
  /** The request carries a payment (not: a valid one). */
  paying: boolean
  /** The client's address, as Cloudflare states it. */
  address?: string | null | undefined
  /** The addresses that operators publish. */
  published?: Published | undefined
  /** The host of a `Signature-Agent` whose signature is valid. Threat: an unverified one proves nothing and must stay out. */
  signer?: string | undefined
}

/** A classified client. `reasons` are phrases for logs and pages; of what a client sent, they quote only a product name. */
export type Asker =
  | {
      kind: 'crawler'
      name?: string
      class: CrawlerClass
      claim: NameClaim
      /** Why the claim is refuted, as a phrase that begins with "claims". */
      refutation?: string
      reasons: readonly string[]
    }
  | {
      kind: 'reader'
      name?: undefined
      class?: undefined
      claim?: undefined
      refutation?: undefined
      reasons: readonly string[]
    }

/**
 * Trap: on zones without Bot Management the runtime fills in `verifiedBot: false` with this score for every request
 * (compatibility flag `cf_botmanagement_noop`), and that says nothing about a crawler.
 */
const NO_BOT_MANAGEMENT = 99

/** Longer User-Agents are cut. Matching a very long one would cost CPU time. */
const MAX_USER_AGENT_LENGTH = 512
/** How many User-Agents an isolate keeps its reading of: some hundred kilobytes. Beyond it all are dropped, and read again. */
const MAX_KEPT = 256

/**
 * Classifies a client as a crawler if it names itself one, pays, signs, or does not look like a person's program.
 *
 * Trap: a name is only a claim. `claim` says whether anything proves or refutes it.
 */
export function classify(evidence: ClientEvidence): Asker {
  const { userAgent, cf, signed, paying } = evidence
  const agent = (userAgent ?? '').slice(0, MAX_USER_AGENT_LENGTH)
  const signer = evidence.signer === undefined ? undefined : crawlerOfSigner(evidence.signer)
  const read = readAgent(agent)
  const known = signer ?? read.known
  const { verifiedBot, score } = cf?.botManagement ?? {}
  const category = cf?.verifiedBotCategory || undefined
  const verified = verifiedBot || category !== undefined
  const reasons: string[] = []
  if (read.named !== undefined && !signer) reasons.push(read.named)
  if (verified) reasons.push(`Cloudflare verified the crawler${category ? ` (${category})` : ''}`)
  if (paying) reasons.push('it carries a payment')
  if (signed) reasons.push('it carries an HTTP message signature')
  if (score === 1) reasons.push('Cloudflare scores it as certainly automated')
  if (!known && read.isListed) reasons.push('the User-Agent is on the list of crawlers')
  if (!read.isPersonal)
    reasons.push(agent ? 'the User-Agent is not a browser’s' : 'the request has no User-Agent')
  if (!signer && reasons.length === 0) return { kind: 'reader', reasons: ['the User-Agent is a browser’s'] }
  const { claim, reason } = judgeClaim(known, {
    signer,
    listed: listedOf(known, evidence),
    verifiedByCloudflare: verified || (score === NO_BOT_MANAGEMENT ? undefined : verifiedBot),
  })
  if (reason) reasons.push(reason)
  const name = known?.name ?? productIn(read, agent)
  return {
    kind: 'crawler',
    ...(name && { name }),
    class: known?.class ?? CATEGORIES.get(category ?? '') ?? 'other',
    claim,
    ...(claim === 'refuted' && reason && { refutation: reason }),
    reasons,
  }
}

/** The part of a classification that follows from the User-Agent alone. */
type AgentReading = {
  known: Crawler | undefined
  /** Names the known crawler, as a reason. */
  named: string | undefined
  isListed: boolean
  isPersonal: boolean
  /** Absent until it is asked for; empty where the User-Agent has none. */
  product?: string
}

const kept = new Map<string, AgentReading>()

/** Reads a User-Agent once: a crawler sends the same one with each request. */
function readAgent(agent: string): AgentReading {
  const earlier = kept.get(agent)
  if (earlier) return earlier
  const known = findCrawler(agent)
  const read: AgentReading = {
    known,
    named: known && nameReason(known),
    isListed: !known && isListedBot(agent),
    isPersonal: isPersonal(agent),
  }
  if (kept.size >= MAX_KEPT) kept.clear()
  kept.set(agent, read)
  return read
}

/** The crawler's own name for itself. Readers need none, and most of what an isolate reads are theirs. */
function productIn(read: AgentReading, agent: string): string {
  read.product ??= productOf(agent) ?? ''
  return read.product
}

function nameReason({ name, operator, class: purpose }: Crawler): string {
  return `the User-Agent names ${name} (${operator ? `${operator}, ` : ''}${purpose})`
}

function listedOf(known: Crawler | undefined, { address, published }: ClientEvidence) {
  return known && address && published ? published(known.name, address) : 'unknown'
}
