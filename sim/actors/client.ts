/** An HTTP client: it asks one isolate, and its connection may break on the way there or back. */
import { encodeHeader } from '../../src/protocol/x402/header.ts'
import type { PaymentRequirements } from '../../src/protocol/x402/types.ts'
import { type Deployment, SITE } from '../deployment.ts'
import { AGENT, type Answer, errorOf, requiredOf } from '../wire.ts'
import { world } from '../world.ts'

const WAY_MS = 80
/** A client sends one payment so often. */
const MOST_SENDS = 12
/** The pause before a request is sent again grows to this. */
const LONGEST_PAUSE_MS = 90_000
/** How a purchase ended. `unknown`: the client gave up before it learned it. */
export type Bought = 'served' | 'released' | 'refused' | 'unknown'

/** The parts of a request besides its path and payment. */
export type More = { method?: string; headers?: Record<string, string>; body?: string }

/** A client gives up after this time. */
const PATIENCE_MS = 45_000

/** Sends requests as one actor. */
export class Client {
  readonly name: string
  readonly #deployment: Deployment

  constructor(name: string, deployment: Deployment) {
    this.name = name
    this.#deployment = deployment
  }

  /** Asks for a page. Null: the connection broke, and nothing is known. */
  async ask(path: string, payment?: string, { headers, ...more }: More = {}): Promise<Answer | null> {
    const here = world()
    const { choices } = here
    const paying = payment && { 'payment-signature': payment }
    const request = new Request(`${SITE}${path}`, {
      ...more,
      headers: { 'user-agent': AGENT, ...headers, ...paying },
    })
    await here.sleep(here.latency(this.name, WAY_MS), `${this.name} asks ${path}`)
    if (choices.strikes('request lost', this.name, 0.01)) return null
    const isolate = choices.pick(`isolate ${this.name}`, this.#deployment.isolates)
    const answered = isolate.fetch(request)
    const answer = await new Promise<Answer | null>((resolve, reject) => {
      const late = here.after(PATIENCE_MS, `${this.name} gives up`, () => resolve(null))
      answered.then((answer) => {
        late.isCancelled = true
        resolve(answer)
      }, reject)
    })
    here.note(`${this.name} ${path} ${answer ? `${answer.status} ${errorOf(answer) ?? ''}` : 'lost'}`)
    await here.sleep(here.latency(this.name, WAY_MS), `answer to ${this.name}`)
    return choices.strikes('answer lost', this.name, 0.02) ? null : answer
  }

  /** Asks for a page without a payment, until there is an offer that fits. */
  async meet(fits: (offer: PaymentRequirements) => boolean, path = '/first'): Promise<PaymentRequirements> {
    for (let asks = 0; ; asks++) {
      const answer = await this.ask(path)
      const offer = answer && requiredOf(answer)?.accepts.find(fits)
      if (offer) return offer
      await this.#pause(Math.min(asks, MOST_SENDS))
    }
  }

  /** Sends a payment until its outcome is known, or until `until` (Unix ms); null if the client gives up before. */
  async persist(
    path: string,
    payment?: string,
    more: More = {},
    until = Number.POSITIVE_INFINITY,
  ): Promise<Answer | null> {
    for (let sends = 0; sends < MOST_SENDS && world().now < until; sends++) {
      const answer = await this.ask(path, payment, more)
      if (answer && answer.status !== 503) return answer
      await this.#pause(sends)
    }
    world().count('client gave up')
    return null
  }

  #pause(sends: number): Promise<void> {
    const here = world()
    const most = Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** sends)
    return here.sleep(500 + here.latency(`pause ${this.name}`, most), `pause of ${this.name}`)
  }
}

/** A payment as a header. */
export function paymentOf(accepted: PaymentRequirements, path: string, payload: object): string {
  return encodeHeader({ x402Version: 2, payload, resource: { url: `${SITE}${path}` }, accepted })
}
