/** Payers of invoices: they read them as their agent, and pay once, twice at once, in a roundabout way, or never. */
import { numberToHex } from 'viem'
import type { InvoiceStanding, RailName } from '../../src/ledger/billing/types.ts'
import { MINUTE_MS } from '../../src/platform/time.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { SITE } from '../deployment.ts'
import type { Stripe } from '../stripe.ts'
import { errorOf, requiredOf } from '../wire.ts'
import { world } from '../world.ts'
import { type Client, paymentOf } from './client.ts'
import type { Operator } from './operator.ts'
import { READING, type Signer } from './signer.ts'
import type { Wallet } from './wallet.ts'

const VALID_SECONDS = 300n
/** A payer tries to pay an invoice so often in one day. */
const MOST_TRIES = 6
/** The pause between two tries. */
const PAUSE_MS = 10 * MINUTE_MS

/** How a payer treats invoices. `pays oddly` depends on the rail: twice at once, or after a card that is declined. */
export type Habit = 'pays' | 'pays oddly' | 'defaults'

/** An invoice as its payer reads it. Amounts are decimal strings. */
type Shown = { id: string; owed: string; presented: InvoiceStanding['presented']; rail: RailName }

/** The purse of a payer. `stripe` has its card. */
export type Means = { client: Client; signer: Signer; wallet: Wallet; stripe: Stripe; operator: Operator }

/** Pays the invoices of one agent. */
export class InvoicePayer {
  readonly habit: Habit
  readonly #means: Means

  constructor(means: Means, habit: Habit) {
    this.#means = means
    this.habit = habit
  }

  /** Pays all that is owed, as far as it can. */
  async payAll(): Promise<void> {
    if (this.habit === 'defaults') return
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const open = await this.#open()
      if (open?.length === 0) return
      for (const invoice of open ?? []) await this.#pay(invoice)
      await world().sleep(world().latency('pause of a payer', PAUSE_MS), 'pause of a payer')
    }
  }

  /** The invoices that are owed and may be paid; undefined while they cannot be read. */
  async #open(): Promise<Shown[] | undefined> {
    const path = '/_tab402/me/invoices'
    const headers = this.#means.signer.headers(`${SITE}${path}`, READING)
    const answer = await this.#means.client.persist(path, undefined, { headers })
    if (answer?.status !== 200) return undefined
    const { invoices } = JSON.parse(answer.body) as { invoices: Shown[] }
    return invoices.filter(({ owed, presented }) => owed !== '0' && presented !== null)
  }

  async #pay({ id, owed, rail, presented }: Shown): Promise<unknown> {
    const isOdd = this.habit === 'pays oddly'
    const { stripe, operator } = this.#means
    switch (rail) {
      case 'stablecoin': {
        const path = (presented?.url ?? '').slice(SITE.length)
        if (isOdd) world().count('invoice paid twice at once')
        return Promise.all(Array.from({ length: isOdd ? 2 : 1 }, () => this.#payByExact(path)))
      }
      case 'stripe':
        return stripe.pay(presented?.reference ?? '', isOdd)
      case 'transfer':
        // The same transfer may be noted twice: its reference names it.
        return Promise.all(
          Array.from({ length: isOdd ? 2 : 1 }, () => operator.notePayment(id, owed, `bank ${id}`)),
        )
    }
  }

  async #payByExact(path: string): Promise<void> {
    const { client, wallet } = this.#means
    const asked = await client.persist(path)
    const offer = asked && requiredOf(asked)?.accepts.find(({ scheme }) => scheme === 'exact')
    if (!offer) return
    const { choices, now } = world()
    const nonce = numberToHex(BigInt(Math.floor(choices.number('nonce') * 2 ** 52)), { size: 32 })
    const validBefore = BigInt(Math.floor(now / 1000)) + VALID_SECONDS
    const to = offer.payTo.toLowerCase() as Address
    const signed = wallet.transfer(to, BigInt(offer.amount), nonce, validBefore)
    const answer = await client.persist(path, paymentOf(offer, path, signed))
    const refused = answer && errorOf(answer)
    world().count(`invoice payment: ${!answer ? 'unknown' : refused ? 'refused' : 'served'}`)
  }
}
