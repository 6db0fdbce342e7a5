/** The bindings and settings that billing works with. */

import type { Numbers } from '../ledger/billing/numbers.ts'
import type { DunningTerms, InvoiceStanding } from '../ledger/billing/types.ts'
import type { Seller } from '../ledger/billing/vat.ts'
import type { Finding } from '../ledger/book/finding.ts'
import type { Agents } from '../ledger/credit/agents.ts'
import type { CreditLine } from '../ledger/credit/credit-line.ts'
import type { Rails } from '../rails/rail.ts'
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

export type Line = ReturnType<BillSettings['lines']['getByName']>

/** An invoice after a look at it, and what of the look came to nothing. */
export type Checked = { invoice: InvoiceStanding; findings: Finding[] }
