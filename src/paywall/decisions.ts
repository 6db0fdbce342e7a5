/** The decisions of one site at this moment: the policy, with the origin's statement about a page where a rule needs it. */
import type { Result } from '../protocol/refusal.ts'
import { type Decision, decideUrl, type Policy, type UrlRequest } from './policy.ts'
import type { DateOf } from './terms/dates.ts'
import { OriginMemory } from './terms/origin-memory.ts'
import { type OriginFacts, readOriginFacts } from './terms/origin-price.ts'

/** Asks the origin about a page; undefined where it cannot be asked. Rejects if it fails. */
export type AskOrigin = () => Promise<Pick<Response, 'status' | 'headers'> | undefined>

/** A request that is decided, with the clock read once for it. */
export type Asked = UrlRequest & { now: number }

/** Decides requests, and says which offers of a moment ago are still valid. */
export class Decisions {
  readonly #policy: Policy
  readonly #offerMs: number
  readonly #origin: OriginMemory

  readonly #dated: (() => DateOf | Promise<DateOf>) | undefined

  /** @param offerMs how long an offer is valid */
  constructor(
    policy: Policy,
    offerMs: number,
    now: () => number,
    dated?: (() => DateOf | Promise<DateOf>) | undefined,
  ) {
    this.#policy = policy
    this.#dated = dated
    this.#offerMs = offerMs
    this.#origin = new OriginMemory(now)
  }

  /** The request with the dates of the sitemaps. Only the first requests of an isolate wait for them. */
  dated(asked: Asked): Asked | Promise<Asked> {
    const dated = this.#policy.dates?.sitemaps.length ? this.#dated?.() : undefined
    if (!dated) return asked
    return 'then' in dated ? dated.then((dated) => ({ ...asked, dated })) : { ...asked, dated }
  }

  /** The decision for a request. Asks the origin only where a rule that may cover the request needs it. */
  of(asked: Asked, page: string, ask: AskOrigin): Result<Decision> | Promise<Result<Decision>> {
    const decided = decideUrl(this.#policy, asked)
    return decided.ok && decided.value.asks ? this.#withOrigin(asked, page, ask) : decided
  }

  /** The decision by what is known already. */
  known(asked: Asked, page: string): Result<Decision> {
    const origin = this.#policy.asksOrigin ? this.#origin.known(page) : undefined
    return decideUrl(this.#policy, origin ? { ...asked, origin } : asked)
  }

  /**
   * The charges whose offers were made a moment ago and are valid still: a page that has reached an age since, and a price
   * that the origin has changed since. Nothing of it comes from the client.
   */
  earlier(asked: Asked, page: string): Decision[] {
    const { dates, contracts, asksOrigin } = this.#policy
    if (!dates && !contracts && !asksOrigin) return []
    const moments = [asked.now, asked.now - this.#offerMs]
    const statements = [this.#origin.known(page), this.#origin.before(page, this.#offerMs)]
    return chargesOf(
      statements.flatMap((origin) =>
        moments.map((now) => decideUrl(this.#policy, { ...asked, now, origin })),
      ),
    )
  }

  /** The charge for a request by what is known already; none where it is free, blocked or not known. */
  now(asked: Asked, page: string): Decision[] {
    return chargesOf([this.known(asked, page)])
  }

  /** Stores the statement in an answer. An answer without one changes nothing: the origin may state prices by HEAD alone. */
  learn(page: string, headers: Headers): void {
    if (!this.#policy.asksOrigin) return
    const facts = readOriginFacts(headers)
    if (facts.price !== null || facts.published !== null) this.#origin.learn(page, facts)
  }

  async #withOrigin(asked: Asked, page: string, ask: AskOrigin): Promise<Result<Decision>> {
    return decideUrl(this.#policy, { ...asked, origin: await this.#origin.of(page, () => statementOf(ask)) })
  }
}

/** Threat: without a statement a rule has its own price, which may be lower than all that the origin has stated. */
function chargesOf(decided: readonly Result<Decision>[]): Decision[] {
  const decisions = decided.flatMap((each) => (each.ok ? [each.value] : []))
  return decisions.filter(({ action, asks }) => action === 'charge' && !asks)
}

async function statementOf(ask: AskOrigin): Promise<OriginFacts> {
  const answer = await ask()
  if (!answer) throw new Error('the origin cannot be asked')
  if (answer.status >= 500) throw new Error(`the origin answered ${answer.status}`)
  const facts = readOriginFacts(answer.headers)
  return facts.price === null && facts.published === null && facts.fault === undefined
    ? { ...facts, fault: 'neither tab402-price nor crawler-price nor tab402-published is set' }
    : facts
}
