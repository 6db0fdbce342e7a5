/** Types that the nightly billing run, the operator's API and the payer portal share. */
import type { InvoiceStanding } from '../ledger/billing/types.ts'
import type { Policy } from '../paywall/policy.ts'
import type { ExactPayment } from '../protocol/x402/v2.ts'
import type { StripeRail } from '../rails/stripe/rail.ts'
import type { Scheme } from '../schemes/scheme.ts'
import type { BillSettings } from './nightly.ts'
import type { Seal } from './operator-key.ts'

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
