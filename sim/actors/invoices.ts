/** Payers of invoices: they read them as their agent, and pay by `exact` once, twice at once, or never. */
import { numberToHex } from 'viem'
import type { InvoiceStanding } from '../../src/ledger/billing/types.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { SITE } from '../deployment.ts'
import { world } from '../world.ts'
import { type Bought, type Client, errorOf, paymentOf, requiredOf } from './client.ts'
import { READING, type Signer } from './signer.ts'
import type { Wallet } from './wallet.ts'

const VALID_SECONDS = 300n
/** A payer tries to pay an invoice so often in one day. */
const MOST_TRIES = 6
/** The pause between two tries. */
const PAUSE_MS = 10 * 60_000

/** What a payer does with invoices. */
export type Habit = 'pays' | 'pays twice' | 'defaults'

/** An invoice as its payer reads it. Amounts are decimal strings. */
type Shown = { id: string; owed: string; presented: InvoiceStanding['presented'] }

/** Pays the invoices of one agent. */
export class InvoicePayer {
  readonly habit: Habit
  readonly #client: Client
  readonly #signer: Signer
  readonly #wallet: Wallet

  constructor(client: Client, signer: Signer, wallet: Wallet, habit: Habit) {
    this.#client = client
    this.#signer = signer
    this.#wallet = wallet
    this.habit = habit
  }

  /** Pays all that is owed, as far as it can. */
  async payAll(): Promise<void> {
    if (this.habit === 'defaults') return
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const open = await this.#open()
      if (open?.length === 0) return
      for (const { presented } of open ?? []) await this.#pay((presented?.url ?? '').slice(SITE.length))
      await world().sleep(world().latency('pause of a payer', PAUSE_MS), 'pause of a payer')
    }
  }

  /** The invoices that are owed and may be paid; undefined while they cannot be read. */
  async #open(): Promise<Shown[] | undefined> {
    const path = '/_tab402/me/invoices'
    const headers = this.#signer.headers(`${SITE}${path}`, READING)
    const answer = await this.#client.persist(path, undefined, { headers })
    if (answer?.status !== 200) return undefined
    const { invoices } = JSON.parse(answer.body) as { invoices: Shown[] }
    return invoices.filter(({ owed, presented }) => owed !== '0' && presented?.url)
  }

  async #pay(path: string): Promise<Bought[]> {
    const times = this.habit === 'pays twice' ? 2 : 1
    if (times > 1) world().count('invoice paid twice at once')
    return Promise.all(Array.from({ length: times }, () => this.#payOnce(path)))
  }

  async #payOnce(path: string): Promise<Bought> {
    const asked = await this.#client.persist(path)
    const offer = asked && requiredOf(asked)?.accepts.find(({ scheme }) => scheme === 'exact')
    if (!offer) return asked?.status === 200 ? 'served' : 'unknown'
    const { choices, now } = world()
    const nonce = numberToHex(BigInt(Math.floor(choices.number('nonce') * 2 ** 52)), { size: 32 })
    const validBefore = BigInt(Math.floor(now / 1000)) + VALID_SECONDS
    const to = offer.payTo.toLowerCase() as Address
    const signed = this.#wallet.transfer(to, BigInt(offer.amount), nonce, validBefore)
    const answer = await this.#client.persist(path, paymentOf(offer, path, signed))
    const end = !answer
      ? 'unknown'
      : answer.status === 200
        ? 'served'
        : errorOf(answer)
          ? 'refused'
          : 'released'
    world().count(`invoice payment: ${end}`)
    return end
  }
}
