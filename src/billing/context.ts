/** The bindings and settings that billing works with. */

import type { Numbers } from '../ledger/billing/numbers.ts'
import type { DunningTerms, InvoiceStanding } from '../ledger/billing/types.ts'
import type { Seller } from '../ledger/billing/vat.ts'
import type { Finding } from '../ledger/book/finding.ts'
import type { Agents } from '../ledger/credit/agents.ts'
import type { CreditLine } from '../ledger/credit/credit-line.ts'
import type { Policy } from '../paywall/policy.ts'
import type { Rails } from '../rails/rail.ts'
import type { StripeRail } from '../rails/stripe/rail.ts'
import type { ExactPayment } from '../schemes/exact/payment.ts'
import type { Scheme } from '../schemes/scheme.ts'
import type { Seal } from './operator-key.ts'
import type { Webhook } from './webhook.ts'

export type BillSettings = {
  book: D1Database
  lines: DurableObjectNamespace<CreditLine>
  /** Without it a book that has lost lines does not find them again. */
  agents?: DurableObjectNamespace<Agents> | undefined
  numbers: DurableObjectNamespace<Numbers>
  rails: Rails
  seller: Seller
  dunning: DunningTerms
  webhook: Webhook | null
}

/** The name of the one object that numbers are taken from. */
export const NUMBERS = 'numbers'

/** The stub of a credit line. */
export type CreditLineStub = ReturnType<BillSettings['lines']['getByName']>

/** An invoice after a look at it, and what of the look came to nothing. */
export type Checked = { invoice: InvoiceStanding; findings: Finding[] }

/** Billing as one request uses it: the nightly run's settings, the signing key, and the ways to pay an invoice. */
export type BillingContext = {
  bill: BillSettings
  seal: Seal
  /** Sells one invoice by x402 `exact`. Null when the site does not offer `exact`. */
  paying: ((invoice: InvoiceStanding) => Scheme<ExactPayment>) | null
  /** The address that receives payments by `exact`, and its network. */
  site: Pick<Policy, 'receiver' | 'network'>
  stripe: StripeRail | null
  /** Unix milliseconds. */
  now: () => number
  /** A fresh id for an operation. */
  newId: () => string
}
