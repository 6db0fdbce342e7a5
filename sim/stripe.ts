/** Stripe: the local one behind its wire protocol, slow, dead or forgetful; its webhooks; and its payers. */
import { MINUTE_MS } from '../src/platform/time.ts'
import { localStripe, type StripeFault } from '../src/testing/stripe/stripe.ts'
import type { Dispute } from '../src/testing/stripe/types.ts'
import { type Deployment, SITE } from './deployment.ts'
import type { Net } from './platform/globals.ts'
import { world } from './world.ts'

/** The host of its API. */
export const STRIPE = 'api.stripe.sim'

/** The deployment’s settings of it. */
export const STRIPE_VARS = {
  STRIPE_SECRET_KEY: 'sk_test_local_of_the_simulator',
  STRIPE_WEBHOOK_SECRET: 'whsec_local_of_the_simulator',
  STRIPE_API: `https://${STRIPE}`,
}

/** A card is declined so often for one invoice: its payer pays in the end. */
const MOST_DECLINED = 3
const WAY_MS = 200
/** The pauses before Stripe sends an event again. After the last one it gives up. */
const RESENT_AFTER_MS = [1, 10, 60, 240, 720].map((minutes) => minutes * MINUTE_MS)

/** One account at Stripe. */
export class Stripe {
  /** While it is true, no call arrives. */
  isDown = false
  /** Where webhooks go; set once the deployment stands. */
  deployment: Deployment | undefined
  readonly #local = localStripe({
    secretKey: STRIPE_VARS.STRIPE_SECRET_KEY,
    webhookSecret: STRIPE_VARS.STRIPE_WEBHOOK_SECRET,
    now: () => Math.floor(world().now),
  })
  /** The ids of the invoices that were sent to their payers. */
  readonly sent = new Set<string>()
  readonly #declined = new Map<string, number>()
  #sent = 0

  get books() {
    return this.#local.books
  }

  readonly net: Net = async ({ url, method, body, headers }) => {
    const here = world()
    const { choices } = here
    await here.sleep(here.latency('stripe', WAY_MS), `stripe ${method} ${new URL(url).pathname}`)
    if (choices.strikes('stripe slow', 'stripe', 0.01)) await here.sleep(20_000, 'slow stripe')
    if (this.isDown) throw new TypeError('fetch failed')
    const fault = FAULTS.find(({ kind, share }) => choices.strikes(kind, 'stripe', share))
    const end = fault && this.#local.fail(/./, fault.is)
    const request = new Request(url, { method, headers, ...(method === 'POST' && { body }) })
    // The body is read in real time.
    here.outside++
    try {
      const answer = await this.#local.fetch(request)
      here.note(`stripe answers ${answer.status} ${fault?.kind ?? ''}`)
      const [, sent] = /\/invoices\/(\w+)\/send$/.exec(url) ?? []
      if (sent !== undefined && answer.ok) this.sent.add(sent)
      return new Response(await answer.text(), { status: answer.status, headers: answer.headers })
    } finally {
      end?.()
      here.outside--
      this.#deliver()
    }
  }

  /** The payer pays on Stripe's page. `isOdd`: by a card that is declined first, or its bank takes the money back for a while. */
  async pay(reference: string, isOdd: boolean): Promise<void> {
    const here = world()
    await here.sleep(here.latency('payer at stripe', MINUTE_MS), `payer pays ${reference}`)
    if (this.books.invoice(reference).status !== 'open') return
    const declined = this.#declined.get(reference) ?? 0
    if (isOdd && declined < MOST_DECLINED && here.choices.chance('declined', 0.5)) {
      this.#declined.set(reference, declined + 1)
      this.#act('card declined', 'pm_card_declined', reference)
    } else {
      this.#act('paid by card', 'pm_card_visa', reference)
      if (isOdd) await this.#dispute(reference)
    }
  }

  #act(what: string, card: string, reference: string): void {
    world().count(what)
    this.books.pay(reference, card)
    this.#deliver()
  }

  async #dispute(reference: string): Promise<void> {
    const here = world()
    await here.sleep(here.latency('dispute', 20 * MINUTE_MS), `payer disputes ${reference}`)
    const dispute: Dispute = this.books.dispute(reference)
    here.count('payment disputed')
    this.#deliver()
    await here.sleep(here.latency('dispute', 60 * MINUTE_MS), `dispute of ${reference} ends`)
    this.books.close(dispute, 'won')
    this.#deliver()
  }

  /** Sends each new event, at a time of its own: so they arrive in any order. */
  #deliver(): void {
    const here = world()
    const { choices } = here
    for (const { id, type } of this.books.events.slice(this.#sent)) {
      if (choices.strikes('webhook lost', type, 0.15)) continue
      const times = choices.strikes('webhook twice', type, 0.15) ? 2 : 1
      for (let time = 0; time < times; time++) {
        const late = choices.strikes('webhook late', type, 0.1) ? 30 * MINUTE_MS : 0
        here.after(late + here.latency('webhook', 5_000), `webhook ${type}`, () => this.#send(id, 0))
      }
    }
    this.#sent = this.books.events.length
  }

  #send(id: string, sends: number): void {
    this.#sendOnce(id, sends).catch((fault) => world().fail(fault))
  }

  async #sendOnce(id: string, sends: number): Promise<void> {
    const here = world()
    const { body, signature } = await this.#local.signed({ id })
    const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
    const request = new Request(`${SITE}/_tab402/stripe`, { method: 'POST', headers, body })
    const isolates = this.deployment?.isolates ?? []
    const answer = await here.choices.pick('isolate stripe', isolates).fetch(request)
    here.count(`webhook: ${answer?.status ?? 'lost'}`)
    const pause = RESENT_AFTER_MS[sends]
    if (answer?.status !== 200 && pause !== undefined)
      here.after(pause, 'webhook again', () => this.#send(id, sends + 1))
  }
}

const FAULTS: readonly { kind: string; share: number; is: StripeFault }[] = [
  { kind: 'stripe unreachable', share: 0.03, is: 'unreachable' },
  { kind: 'stripe answer lost', share: 0.03, is: 'lost' },
  { kind: 'stripe fails', share: 0.02, is: 500 },
  { kind: 'stripe is busy', share: 0.02, is: 429 },
]
