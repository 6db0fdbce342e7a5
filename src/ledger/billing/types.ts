/**
 * The documents of billing, as plain values for RPC and the journal.
 *
 * Amounts are micro-dollars, the atomic units of USDC; times are Unix milliseconds; days and periods are UTC.
 */
import type { Hex } from '../../protocol/evm/hex.ts'
import type { StatedEntry, StatementForm } from '../../protocol/statement.ts'

/** The length of a billing period. */
export type PeriodKind = 'daily' | 'weekly' | 'monthly'

/** A billing period: `from <= at < to`. The id is `2026-11-21`, `2026-W47` or `2026-11`. */
export type Period = { id: string; from: number; to: number }

/**
 * The rails by which an invoice can be paid, as data: requests, the OpenAPI document and the table in `src/rails/index.ts` all
 * take their names from here. It stands in the ledger, below the rails, because invoices store the name.
 */
export const RAIL_NAMES = ['stablecoin', 'stripe', 'transfer'] as const

/** One of {@link RAIL_NAMES}. */
export type RailName = (typeof RAIL_NAMES)[number]

/** The seller or buyer on an invoice. The country is ISO 3166-1 alpha-2. */
export type Party = { name: string; country: string; address?: string; taxId?: string; email?: string }

/**
 * A line item: one rule of one site on one day, for one version of its policy and one asker. `amount` is negative if more was
 * released than charged.
 */
export type StatementLine = {
  site: string
  rule: string
  /** Absent in a statement of form 1, as `who` is. */
  policy?: number | null
  who?: string | null
  /** `2026-11-21` */
  day: string
  charges: number
  releases: number
  amount: bigint
}

/** The statement of one period of one line: the entries `first` to `last` of its journal, without gaps. */
export type Statement = {
  period: Period
  first: number
  last: number
  lines: StatementLine[]
  /** The sum of the line items. */
  total: bigint
  /** The root of the Merkle tree whose i-th leaf is entry `first + i`. */
  root: Hex
  closedAt: number
  /** The agent's name when the statement was issued. */
  name: string
  /** Decides the line items and the leaves, so it never changes. Absent in statements of earlier versions: form 1. */
  form?: StatementForm
}

/** A statement without its line items, for invoices and lists. */
export type StatementHead = Omit<Statement, 'lines'>

/** A Merkle proof that an entry is part of a statement of `size` entries. */
export type EntryProof = { period: string; entry: StatedEntry; index: number; size: number; path: Hex[] }

/** The VAT of an invoice. */
export type Vat = {
  /** Hundredths of a percent: 2000 is 20 %. */
  rate: number
  treatment: 'standard' | 'reverse_charge' | 'outside_scope'
  amount: bigint
}

/**
 * The invoice over all statements of a line that were not invoiced before.
 *
 * Invariant: `carriedIn + charged = net + carriedOut`. So the net amounts of all invoices, plus what is
 * carried, add up to what was charged. The part of credit notes that covers released charges is carried too.
 */
export type Invoice = {
  /** As printed: `INV-000042`. */
  id: string
  number: number
  agent: string
  /** Ids of the periods covered, in order. */
  periods: string[]
  from: number
  to: number
  issuedAt: number
  dueAt: number
  seller: Party
  buyer: Party
  rail: RailName
  /** The sum of the statements covered. */
  charged: bigint
  /** Carried from earlier invoices, which were rounded down to the rail's smallest unit. */
  carriedIn: bigint
  carriedOut: bigint
  net: bigint
  vat: Vat
  /** `net + vat.amount` */
  total: bigint
}

/**
 * An invoice without its number. It is stored before the number is taken, so that the number is always used: the series stays
 * without gaps whatever is released meanwhile.
 */
export type Draft = Omit<Invoice, 'id' | 'number'>

/** A credit note: takes back all or part of an invoice. The amounts are positive. */
export type CreditNote = {
  /** As printed: `CN-000007`. */
  id: string
  number: number
  invoice: string
  issuedAt: number
  reason: string
  net: bigint
  vat: bigint
  total: bigint
  /** The rail's reference, if the credit note was synced to the rail. */
  reference?: string
  /**
   * The part of `net` that covers charges released after invoicing, so that no release is credited twice. The
   * line lowers `charged` by the rest only, and carries this part to the next invoice.
   *
   * The line sets it. It ignores a credit note that asks for more than was released.
   */
  released?: bigint
}

/** A credit note without its number, stored before the number is taken. The line sets `released`. */
export type NoteDraft = Omit<CreditNote, 'id' | 'number'> & {
  /** The credited amount of the invoice before this note, with VAT. It is part of the key of the note’s number. */
  credited: bigint
}

/** A payment of an invoice. The id comes from the rail, so the same payment is stored once. */
export type PaymentReceived = {
  id: string
  invoice: string
  /** With VAT. */
  amount: bigint
  rail: RailName
  /** The reference at the bank, card processor or chain. */
  reference: string
  at: number
}

/** The reversal of a payment, such as a dispute or a bounced debit. */
export type PaymentReversed = {
  id: string
  invoice: string
  payment: string
  amount: bigint
  reason: string
  at: number
}

/** A failed payment, such as a declined card. The invoice is past due from then on. */
export type PaymentFailed = { id: string; invoice: string; reason: string; at: number }

/** An invoice with its current state: submission, payments, credit notes and dunning stage. */
export type InvoiceStanding = Invoice & {
  /** The rail's reference and payment link; null until the invoice is submitted to the rail. */
  presented: Presented | null
  /** Payments less reversals, with VAT. */
  paid: bigint
  /** The sum of all credit notes, with VAT. */
  credited: bigint
  /** The same without VAT. */
  creditedNet: bigint
  /** When a payment failed or was reversed; null if none did, or once a later payment arrived. */
  failedAt: number | null
  stage: Stage
}

/** The rail's reference of an invoice, and how to pay it. */
export type Presented = { reference: string; url: string | null; instructions: string | null }

/** The dunning stage of an invoice. A `settled` invoice owes 0. */
export type Stage = 'open' | 'due' | 'past_due' | 'suspended' | 'written_off' | 'settled'

/**
 * An attempt to pay an invoice at once. The format of `detail` is up to the rail. `isRefused`: its payer got a refusal
 * and may pay otherwise, but its money may still arrive.
 */
export type Attempt = { invoice: string; id: string; detail: string; at: number; isRefused?: boolean }

/** The result of beginning an attempt: see {@link Attempt}. Only `begun` may move money. */
export type Attempted = 'begun' | 'replayed' | 'busy' | 'settled'

/** A dunning stage that was reached. Kept until its notification is delivered. The id never changes. */
export type DunningStep = {
  id: string
  agent: string
  invoice: string
  stage: Stage
  at: number
  /** Still owed on the invoice. */
  open: bigint
}

/** The operator's dunning terms, in days after the due date (`net`: days from issue to due date). */
export type DunningTerms = { net: number; pastDue: number; suspended: number; writtenOff: number }

/** A document that changes the state of one invoice. */
export type Change =
  | { kind: 'presented'; document: { invoice: string; presented: Presented } }
  | { kind: 'credit_note'; document: CreditNote }
  | { kind: 'payment'; document: PaymentReceived }
  | { kind: 'reversal'; document: PaymentReversed }
  | { kind: 'failure'; document: PaymentFailed }
  | { kind: 'stage'; document: DunningStep }

/** A change of an invoice, with its journal number and time. */
export type InvoiceEvent = Change & { seq: number; at: number }

/** The amount that an invoice received beyond its total, in micro-dollars. It belongs to the payer. */
export type Overpayment = { invoice: string; amount: bigint }
