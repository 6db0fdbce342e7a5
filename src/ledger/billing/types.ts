/**
 * The words of the bill: what a credit line is told and tells when a period ends, plain and ready for RPC.
 *
 * Amounts are micro-dollars, the atomic units of USDC; times are Unix milliseconds; days and periods are UTC.
 */
import type { Hex } from '../../protocol/evm/hex.ts'
import type { StatedEntry } from '../../protocol/statement.ts'

export type PeriodKind = 'daily' | 'weekly' | 'monthly'

/** `from <= at < to`. The id is `2026-11-21`, `2026-W47` or `2026-11`. */
export type Period = { id: string; from: number; to: number }

/**
 * The rails by which an invoice can be paid, as data: requests, the OpenAPI document and the table in `src/rails/index.ts` all
 * take their names from here. It stands in the ledger, below the rails, because invoices store the name.
 */
export const RAIL_NAMES = ['stablecoin', 'stripe', 'transfer'] as const

/** One of {@link RAIL_NAMES}. */
export type RailName = (typeof RAIL_NAMES)[number]

/** Who sells or buys, as an invoice names them. The country is ISO 3166-1 alpha-2. */
export type Party = { name: string; country: string; address?: string; taxId?: string; email?: string }

/** What one site's rule brought in on one day. `amount` is below zero when more was released than charged. */
export type StatementLine = {
  site: string
  rule: string
  /** `2026-11-21` */
  day: string
  charges: number
  releases: number
  amount: bigint
}

/** One closed period of one line: the entries `first` to `last` of its journal, all of them. */
export type Statement = {
  period: Period
  first: number
  last: number
  lines: StatementLine[]
  /** The sum of the lines. */
  total: bigint
  /** Of the Merkle tree whose i-th leaf is entry `first + i`. */
  root: Hex
  closedAt: number
  /** The agent's name when it was closed. */
  name: string
}

/** A statement without its lines: what an invoice and a list need of it. */
export type StatementHead = Omit<Statement, 'lines'>

/** That an entry is part of a statement. */
export type EntryProof = { period: string; entry: StatedEntry; index: number; size: number; path: Hex[] }

export type Vat = {
  /** Hundredths of a percent: 2000 is 20 %. */
  rate: number
  treatment: 'standard' | 'reverse_charge' | 'outside_scope'
  amount: bigint
}

/**
 * A bill for all statements of a line that no earlier one covers. Invariant: `carriedIn + charged = net + carriedOut`, so
 * that the net amounts of all invoices and what is carried make up what was charged. What credit notes took back of releases
 * is carried too.
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
  /** What earlier invoices left over because the rail knows no smaller unit. */
  carriedIn: bigint
  carriedOut: bigint
  net: bigint
  vat: Vat
  /** `net + vat.amount` */
  total: bigint
}

/** Takes back (part of) an invoice. The amounts are positive. */
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
  /** What the rail calls it, where it was written there. */
  reference?: string
  /**
   * How much of `net` was released after it was invoiced: the line lowers what was charged by the rest only, and carries so much
   * more to the next invoice, so that nothing is given back twice. It is the line's to write; a note that asks for more than
   * was released is not noted.
   */
  released?: bigint
}

/** What came in for an invoice. The id is the rail's own, so that the same payment is noted once. */
export type PaymentReceived = {
  id: string
  invoice: string
  /** With VAT. */
  amount: bigint
  rail: RailName
  /** What the payer's or the operator's bank, card processor or chain calls it. */
  reference: string
  at: number
}

/** A payment that was taken back: a dispute, a bounced debit. */
export type PaymentReversed = {
  id: string
  invoice: string
  payment: string
  amount: bigint
  reason: string
  at: number
}

/** A payer's try that came to nothing: a card that was declined. The invoice is past due from then on. */
export type PaymentFailed = { id: string; invoice: string; reason: string; at: number }

/** Where an invoice stands: how it was presented, what came in, how far it was dunned. */
export type InvoiceStanding = Invoice & {
  /** The rail's own name of it, and where it can be paid; null until it was handed to the rail. */
  presented: Presented | null
  /** Received less reversed, with VAT. */
  paid: bigint
  /** Of all credit notes, with VAT, and without. */
  credited: bigint
  creditedNet: bigint
  /** When a payment was declined or disputed and nothing came in since; else null. */
  failedAt: number | null
  stage: Stage
}

export type Presented = { reference: string; url: string | null; instructions: string | null }

/** How far an unpaid invoice has come. `settled` is one that owes nothing. */
export type Stage = 'open' | 'due' | 'past_due' | 'suspended' | 'written_off' | 'settled'

/** A payer's try to pay an invoice at once. `detail` is the rail's own. */
export type Attempt = { invoice: string; id: string; detail: string; at: number }

export type Attempted = 'begun' | 'replayed' | 'busy' | 'settled'

/** A stage newly reached, kept until the operator was told. The id never changes. */
export type DunningStep = {
  id: string
  agent: string
  invoice: string
  stage: Stage
  at: number
  /** Still owed on the invoice. */
  open: bigint
}

/** The operator's dates, in days after an invoice is due (`net`: after it is issued). */
export type DunningTerms = { net: number; pastDue: number; suspended: number; writtenOff: number }

/** What changes where one invoice stands. */
export type Change =
  | { kind: 'presented'; document: { invoice: string; presented: Presented } }
  | { kind: 'credit_note'; document: CreditNote }
  | { kind: 'payment'; document: PaymentReceived }
  | { kind: 'reversal'; document: PaymentReversed }
  | { kind: 'failure'; document: PaymentFailed }
  | { kind: 'stage'; document: DunningStep }

/** One thing that happened to an invoice, and where the journal has it. */
export type Happening = Change & { seq: number; at: number }
