/** The bindings and settings that billing works with. */

import type { Numbers } from '../ledger/billing/numbers.ts'
import type { DunningTerms, InvoiceStanding } from '../ledger/billing/types.ts'
import type { Seller } from '../ledger/billing/vat.ts'
import type { Finding } from '../ledger/book/finding.ts'
import type { Agents } from '../ledger/credit/agents.ts'
import type { CreditLine } from '../ledger/credit/credit-line.ts'
import type { Policy } from '../paywall/policy.ts'
import type { Webhook } from '../platform/webhook.ts'
import type { Rails } from '../rails/rail.ts'
import type { StripeRail } from '../rails/stripe/rail.ts'
import type { ExactPayment } from '../schemes/exact/payment.ts'
import type { Scheme } from '../schemes/scheme.ts'
import type { Seal } from './operator-key.ts'

/** The bindings and terms of the nightly billing run. */
export type BillSettings = {
  /** The read model. */
  book: D1Database
  lines: DurableObjectNamespace<CreditLine>
  /** The registry, from which the run restores credit lines that the read model has lost. */
  agents?: DurableObjectNamespace<Agents> | undefined
  numbers: DurableObjectNamespace<Numbers>
  rails: Rails
  seller: Seller
  dunning: DunningTerms
  webhook: Webhook | null
}

/** The name of the one `Numbers` object. */
export const NUMBERS = 'numbers'

/** The stub of one credit line. */
export type CreditLineStub = ReturnType<BillSettings['lines']['getByName']>

/** An invoice after a check at its rail, and the findings of that check. */
export type Checked = { invoice: InvoiceStanding; findings: Finding[] }

/** Billing as one request uses it: the nightly run's settings, the signing key, and the ways to pay an invoice. */
export type BillingContext = {
  bill: BillSettings
  seal: Seal
  /** Sells one invoice by x402 `exact`, on each network. Null when the site does not offer `exact`. */
  paying: ((invoice: InvoiceStanding) => Scheme<ExactPayment>[]) | null
  /** The address that receives payments by `exact`, and its networks. */
  site: Pick<Policy, 'receiver' | 'networks'>
  stripe: StripeRail | null
  /** Unix milliseconds. */
  now: () => number
  /** A fresh id for an operation. */
  newId: () => string
}
