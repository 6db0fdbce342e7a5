/** Stablecoins: an invoice is a resource that costs what is owed on it, paid at once with x402 `exact`, once. */

import type {
  Attempt,
  Invoice,
  InvoiceStanding,
  PaymentReceived,
  Presented,
} from '../ledger/billing/types.ts'
import type { BillingCalls } from '../ledger/credit/contract.ts'
import { readJson, writeJson } from '../platform/json.ts'
import { accept, type Refusal, type Result, refuse, wire } from '../protocol/refusal.ts'
import type { SettleResponse } from '../protocol/x402/types.ts'
import type { ExactPayment } from '../schemes/exact/payment.ts'
import type { Charge, Purchase, Scheme } from '../schemes/scheme.ts'
import { CENT, type Movement, type Rail } from './rail.ts'

/** What of a line an invoice needs to be paid at once. */
export type Payee = Pick<BillingCalls, 'attempt' | 'abandon' | 'attempts' | 'paid'>

export type StablecoinSettings = {
  exact: Scheme<ExactPayment>
  lineOf: (agent: string) => Payee
  /** Where an invoice is paid. */
  urlOf: (invoice: Invoice) => Promise<string>
  /** Unix milliseconds. */
  now: () => number
  /** A fresh name for an operation. */
  newId: () => string
}

export function stablecoinRail(settings: StablecoinSettings): Rail {
  const { lineOf, urlOf } = settings
  return {
    name: 'stablecoin',
    // The ledger counts in the token's own units: nothing is rounded. A transfer costs about a cent, though.
    unit: 1n,
    least: CENT,
    async present(invoice): Promise<Presented> {
      return { reference: invoice.id, url: await urlOf(invoice), instructions: null }
    },
    check: (invoice) => clear(settings, lineOf(invoice.agent), invoice.id),
    credit: async () => {},
    collects: async () => false,
    since: async () => [],
  }
}

/**
 * `exact`, for one invoice: the attempt is noted on its line before anything moves, so that a payment whose answer was lost is
 * found again, and that of two payers one pays.
 */
export function paying(
  { exact, lineOf, now, newId }: StablecoinSettings,
  { agent, id: invoice }: Pick<InvoiceStanding, 'agent' | 'id'>,
): Scheme<ExactPayment> {
  const line = lineOf(agent)
  const settings = { exact, now, newId }
  return {
    ...exact,
    async charge(payment, purchase) {
      const attempt = { invoice, id: nameOf(payment), detail: write({ payment, purchase }) }
      const begin = () => line.attempt(invoice, attempt.id, attempt.detail)
      let attempted = await begin()
      if (attempted === 'busy') {
        for (const movement of await clear(settings, line, invoice)) await note(line, movement)
        attempted = await begin()
      }
      // Who asks again finds the invoice paid, or free to be paid.
      if (attempted === 'busy' || attempted === 'settled') return refuse('exact_in_progress')
      return new Attempted(settings, line, attempt, attempted === 'replayed').charge(payment, purchase)
    },
  }
}

type Tools = Pick<StablecoinSettings, 'exact' | 'now' | 'newId'>
type Named = Pick<Attempt, 'invoice' | 'id'>

/** Finishes attempts whose end is not known, by making them again. What came of them is told once it is known. */
async function clear(tools: Tools, line: Payee, invoice: string): Promise<Movement[]> {
  const movements: Movement[] = []
  for (const attempt of await line.attempts()) {
    if (attempt.invoice !== invoice) continue
    const { payment, purchase } = read(attempt.detail)
    const taken = await tools.exact.charge(payment, { ...purchase, id: tools.newId() })
    const end = taken.ok ? settled(await taken.value.settle()) : moved(taken)
    if (typeof end === 'string') {
      movements.push({ kind: 'paid', payment: received(attempt, payment, end, tools.now()) })
    } else if (end.over) await line.abandon(invoice, attempt.id)
  }
  return movements
}

/** One attempt on its way: its end is noted on the line, whatever it is. */
class Attempted {
  readonly #tools: Tools
  readonly #line: Payee
  readonly #attempt: Named
  readonly #again: boolean

  /** `again`: an earlier request has noted it. */
  constructor(tools: Tools, line: Payee, attempt: Named, again: boolean) {
    this.#tools = tools
    this.#line = line
    this.#attempt = attempt
    this.#again = again
  }

  async charge(payment: ExactPayment, purchase: Purchase): Promise<Result<Charge>> {
    const taken = await this.#tools.exact.charge(payment, purchase)
    if (!taken.ok) {
      // Asked for in other words than those it was noted with, which may still move the money.
      const differs = this.#again && taken.refusal.reason === 'exact_bound'
      if (!differs) await this.#end(payment, moved(taken))
      return taken
    }
    const charge = taken.value
    return accept({
      settle: async () => {
        const receipt = await charge.settle()
        await this.#end(payment, settled(receipt))
        return receipt
      },
      release: async () => {
        await charge.release()
        await this.#end(payment, { over: true })
      },
    })
  }

  async #end(payment: ExactPayment, end: End): Promise<void> {
    const { invoice, id } = this.#attempt
    if (typeof end === 'string') {
      await this.#line.paid(received(this.#attempt, payment, end, this.#tools.now()))
    } else if (end.over) await this.#line.abandon(invoice, id)
  }
}

/** The reference of the money that has moved; else whether nothing may still come of the attempt. */
type End = string | { over: boolean }

function settled(receipt: Result<SettleResponse>): End {
  return receipt.ok ? receipt.value.transaction : { over: isOver(receipt.refusal) }
}

/** Of an authorization that was not taken. One that this same request has used has moved the money, a while ago. */
function moved({ refusal }: { refusal: Refusal }): End {
  return refusal.reason === 'exact_used' ? '' : { over: isOver(refusal) }
}

function isOver({ reason }: Refusal): boolean {
  return wire(reason).status !== 503
}

/** What moved is what was signed, whatever is owed by now. */
function received(
  { invoice, id }: Named,
  { payload }: ExactPayment,
  reference: string,
  at: number,
): PaymentReceived {
  const { value: amount } = payload.authorization
  return { id, invoice, amount, rail: 'stablecoin', reference: reference || id, at }
}

async function note(line: Payee, movement: Movement): Promise<void> {
  if (movement.kind === 'paid') await line.paid(movement.payment)
}

/** An EIP-3009 authorization has one name. */
function nameOf({ network, payload: { authorization } }: ExactPayment): string {
  return `${network}:${authorization.from}:${authorization.nonce}`
}

type Detail = { payment: ExactPayment; purchase: Purchase }

function write(detail: Detail): string {
  return writeJson(detail)
}

const AMOUNTS = new Set(['price', 'value', 'validAfter', 'validBefore'])

function read(detail: string): Detail {
  return readJson(detail, AMOUNTS)
}
