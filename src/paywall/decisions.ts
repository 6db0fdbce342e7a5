/** The decisions of one site at this moment: the policy, with the origin's statement about a page where a rule needs it. */
import { type Decision, decide, type Policy, type PolicyRequest } from './policy.ts'
import { OriginMemory } from './terms/origin-memory.ts'
import { type OriginFacts, readOriginFacts } from './terms/origin-price.ts'

/** Asks the origin about a page; undefined where it cannot be asked. Rejects if it fails. */
export type AskOrigin = () => Promise<Pick<Response, 'status' | 'headers'> | undefined>

/** A request that is decided, with the clock read once for it. */
export type Asked = PolicyRequest & { now: number }

/** Decides requests, and says which offers of a moment ago are still valid. */
export class Decisions {
  readonly #policy: Policy
  readonly #offerMs: number
  readonly #origin: OriginMemory

  /** @param offerMs how long an offer is valid */
  constructor(policy: Policy, offerMs: number, now: () => number) {
    this.#policy = policy
    this.#offerMs = offerMs
    this.#origin = new OriginMemory(now)
  }

  /** The decision for a request. Asks the origin only where a rule that may cover the request needs it. */
  of(asked: Asked, url: string, ask: AskOrigin): Decision | Promise<Decision> {
    const decision = decide(this.#policy, asked)
    return decision.asks ? this.#withOrigin(asked, url, ask) : decision
  }

  /** The decision by what is known already. */
  known(asked: Asked, url: string): Decision {
    const origin = this.#policy.asksOrigin ? this.#origin.known(url) : undefined
    return decide(this.#policy, origin ? { ...asked, origin } : asked)
  }

  /**
   * The charges whose offers were made a moment ago and are valid still: a page that has reached an age since, and a price
   * that the origin has changed since. Nothing of it comes from the client.
   */
  earlier(asked: Asked, url: string): Decision[] {
    const { dates, asksOrigin } = this.#policy
    if (!dates && !asksOrigin) return []
    const moments = [asked.now, asked.now - this.#offerMs]
    const statements = [this.#origin.known(url), this.#origin.before(url, this.#offerMs)]
    return statements
      .flatMap((origin) => moments.map((now) => decide(this.#policy, { ...asked, now, origin })))
      .filter(({ action }) => action === 'charge')
  }

  /** Stores the statement in an answer. An answer without one changes nothing: the origin may state prices by HEAD alone. */
  learn(url: string, headers: Headers): void {
    if (!this.#policy.asksOrigin) return
    const facts = readOriginFacts(headers)
    if (facts.price !== null || facts.published !== null) this.#origin.learn(url, facts)
  }

  async #withOrigin(asked: Asked, url: string, ask: AskOrigin): Promise<Decision> {
    return decide(this.#policy, { ...asked, origin: await this.#origin.of(url, () => statementOf(ask)) })
  }
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
