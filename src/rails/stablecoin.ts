/** Stablecoins: an invoice is a resource that costs its open amount. The payer pays it once, with x402 `exact`. */

import { owedOn } from '../ledger/billing/dunning.ts'
import type {
  Attempt,
  Invoice,
  InvoiceStanding,
  PaymentReceived,
  Presented,
} from '../ledger/billing/types.ts'
import type { BillingCalls } from '../ledger/credit/contract.ts'
import { readJson, writeJson } from '../platform/json.ts'
import { accept, type Reason, type Refusal, type Result, refuse, wire } from '../protocol/refusal.ts'
import type { SettleResponse } from '../protocol/x402/types.ts'
import type { ExactPayment } from '../schemes/exact/payment.ts'
import type { ExactScheme } from '../schemes/exact/scheme.ts'
import type { Charge, Purchase, Scheme } from '../schemes/scheme.ts'
import { unitOf } from './index.ts'
import type { PaymentEvent, Rail } from './rail.ts'

/** The calls of a credit line that an immediate payment uses. */
export type Payee = Pick<BillingCalls, 'attempt' | 'refuse' | 'abandon' | 'attempts' | 'paid'>

/** How the rail charges, where it stores attempts, and where an invoice is paid. */
export type StablecoinSettings = {
  /** One for each network. */
  exact: readonly ExactScheme[]
  lineOf: (agent: string) => Payee
  /** Returns the address at which an invoice is paid. */
  urlOf: (invoice: Invoice) => Promise<string>
  /** Unix milliseconds. */
  now: () => number
  /** Returns a fresh id for an operation. */
  newId: () => string
}

/** Makes the rail `stablecoin`. */
export function stablecoinRail(settings: StablecoinSettings): Rail {
  const { lineOf, urlOf } = settings
  return {
    name: 'stablecoin',
    ...unitOf('stablecoin'),
    async present(invoice): Promise<Presented> {
      return { reference: invoice.id, url: await urlOf(invoice), instructions: null }
    },
    check: (invoice) => resolveAttempts(settings, lineOf(invoice.agent), invoice),
    syncCreditNote: async () => {},
    collects: async () => false,
    since: async () => [],
  }
}

/**
 * The `exact` schemes for one invoice, one for each network. They store the attempt on the credit line before any money moves. A payment whose
 * response was lost is therefore found again, and of two payers at the same time only one pays.
 */
export function paying(
  { exact, lineOf, now, newId }: StablecoinSettings,
  standing: InvoiceStanding,
): Scheme<ExactPayment>[] {
  const { agent, id: invoice } = standing
  const line = lineOf(agent)
  const settings = { exact, now, newId }
  return exact.map((scheme) => ({
    ...scheme,
    async charge(payment, bought) {
      // Whatever the method, a receipt may be fetched again: nothing is carried out for it.
      const { hasEffects: _, ...page } = withoutKey(bought)
      // No site sells a receipt: what the invoice bills was charged before.
      const purchase = { ...page, site: null, who: null }
      const attempt = { invoice, id: authorizationName(payment), detail: writeDetail({ payment, purchase }) }
      const begin = () => line.attempt(invoice, attempt.id, attempt.detail)
      let attempted = await begin()
      if (attempted === 'busy') {
        for (const event of await resolveAttempts(settings, line, standing)) await recordPayment(line, event)
        attempted = await begin()
      }
      // A retry finds the invoice paid, or open for a new attempt.
      if (attempted === 'busy' || attempted === 'settled') return refuse('exact_in_progress')
      const own = { exact: scheme, now }
      return new StoredAttempt(own, line, attempt, attempted === 'replayed').charge(payment, purchase)
    },
  }))
}

/** Cuts the invoice's key out of what is stored and exported: it opens the invoice's page. */
function withoutKey(purchase: Purchase): Purchase {
  const cut = (text: string) => text.replace(/([?&]key=)[^&\s]*/g, '$1')
  return { ...purchase, request: cut(purchase.request), url: cut(purchase.url) }
}

type Tools = Pick<StablecoinSettings, 'exact' | 'now' | 'newId'>
/** The tools for one payment, on its own network. */
type OneTools = { exact: ExactScheme; now: () => number }
type AttemptRef = Pick<Attempt, 'invoice' | 'id'>

/**
 * Repeats attempts whose outcome is unknown, and returns the payments that have succeeded. Refused attempts, and those at an
 * invoice that owes nothing, are only looked for: their payers may have paid otherwise. They are abandoned once the chain shows
 * that they never pay.
 */
async function resolveAttempts(
  tools: Tools,
  line: Payee,
  standing: InvoiceStanding,
): Promise<PaymentEvent[]> {
  const { id: invoice } = standing
  const events: PaymentEvent[] = []
  let owed = owedOn(standing)
  for (const attempt of await line.attempts()) {
    if (attempt.invoice !== invoice) continue
    const { payment, purchase } = readDetail(attempt.detail)
    const exact = tools.exact.find(({ network }) => network === payment.network)
    // Where no node is left, the attempt stays open: another chain must not decide about it.
    if (!exact) continue
    if (attempt.isRefused || owed <= 0n) {
      const found = await exact.find(payment, purchase)
      if (found.status === 'refused' && found.isFinal) await line.abandon(invoice, attempt.id)
      if (found.status !== 'settled') continue
    }
    const end = await endOf(exact, payment, { ...purchase, id: tools.newId() })
    if (typeof end === 'string') {
      const paid = received(attempt, payment, end, tools.now())
      events.push({ kind: 'paid', payment: paid })
      owed -= paid.amount
    } else if (end.isRefused) await line.refuse(invoice, attempt.id)
  }
  return events
}

const LISTED: ReadonlySet<Reason> = new Set(['payer_listed', 'receiver_listed'])

async function endOf(exact: ExactScheme, payment: ExactPayment, purchase: Purchase): Promise<End> {
  const taken = await exact.charge(payment, purchase)
  if (taken.ok) return endOfReceipt(await taken.value.settle())
  // A payer or receiver that is listed by now may have been paid before that.
  const isListed = LISTED.has(taken.refusal.reason)
  const found = isListed ? await exact.find(payment, purchase) : undefined
  return found?.status === 'settled' ? found.transaction : endOfRefusal(taken)
}

/** One attempt in progress. It records its outcome on the credit line, whatever it is. */
class StoredAttempt {
  readonly #tools: OneTools
  readonly #line: Payee
  readonly #attempt: AttemptRef
  readonly #isReplayed: boolean

  /** `isReplayed`: an earlier request has stored the attempt. */
  constructor(tools: OneTools, line: Payee, attempt: AttemptRef, isReplayed: boolean) {
    this.#tools = tools
    this.#line = line
    this.#attempt = attempt
    this.#isReplayed = isReplayed
  }

  async charge(payment: ExactPayment, purchase: Purchase): Promise<Result<Charge>> {
    const taken = await this.#tools.exact.charge(payment, purchase)
    if (!taken.ok) {
      // This request differs from the stored attempt, and the stored one may still move the money.
      const differs = this.#isReplayed && taken.refusal.reason === 'exact_bound'
      if (!differs) await this.#end(payment, endOfRefusal(taken))
      return taken
    }
    const charge = taken.value
    return accept({
      settle: async () => {
        const receipt = await charge.settle()
        await this.#end(payment, endOfReceipt(receipt))
        return receipt
      },
      release: async () => {
        const kept = await charge.release()
        await this.#end(payment, kept ? kept.transaction : { isRefused: true })
        return kept
      },
    })
  }

  async #end(payment: ExactPayment, end: End): Promise<void> {
    const { invoice, id } = this.#attempt
    if (typeof end === 'string') {
      await this.#line.paid(received(this.#attempt, payment, end, this.#tools.now()))
    } else if (end.isRefused) await this.#line.refuse(invoice, id)
  }
}

/** The reference of the transfer, if the money has moved; else whether its payer gets a refusal. */
type End = string | { isRefused: boolean }

function endOfReceipt(receipt: Result<SettleResponse>): End {
  return receipt.ok ? receipt.value.transaction : { isRefused: isRefused(receipt.refusal) }
}

/** `exact_used` means that this same request has moved the money before. */
function endOfRefusal({ refusal }: { refusal: Refusal }): End {
  return refusal.reason === 'exact_used' ? '' : { isRefused: isRefused(refusal) }
}

function isRefused({ reason }: Refusal): boolean {
  return wire(reason).status !== 503
}

/** The amount is the signed one, even if the invoice's open amount has changed since. */
function received(
  { invoice, id }: AttemptRef,
  { payload }: ExactPayment,
  reference: string,
  at: number,
): PaymentReceived {
  const { value: amount } = payload.authorization
  return { id, invoice, amount, rail: 'stablecoin', reference: reference || id, at }
}

async function recordPayment(line: Payee, event: PaymentEvent): Promise<void> {
  if (event.kind === 'paid') await line.paid(event.payment)
}

/** EIP-3009 makes an authorization unique by network, payer and nonce. */
function authorizationName({ network, payload: { authorization } }: ExactPayment): string {
  return `${network}:${authorization.from}:${authorization.nonce}`
}

type Detail = { payment: ExactPayment; purchase: Purchase }

function writeDetail(detail: Detail): string {
  return writeJson(detail)
}

const AMOUNT_FIELDS = new Set(['price', 'value', 'validAfter', 'validBefore'])

function readDetail(detail: string): Detail {
  return readJson(detail, AMOUNT_FIELDS)
}
