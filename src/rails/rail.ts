/** The shape of every rail: how an invoice reaches its payer, and how payments come back. */
import type {
  CreditNote,
  Invoice,
  InvoiceStanding,
  PaymentFailed,
  PaymentReceived,
  PaymentReversed,
  Presented,
  RailName,
} from '../ledger/billing/types.ts'

/**
 * One thing that a rail reports about an invoice. Its id comes from the rail, so that repeated reads record it once.
 */
export type PaymentEvent =
  | { kind: 'paid'; payment: PaymentReceived }
  | { kind: 'reversed'; reversal: PaymentReversed }
  | { kind: 'failed'; failure: PaymentFailed }
  | { kind: 'credited'; credit: Credited }

/** A credit note that was written at the rail and is not numbered here yet. `total` includes VAT, in micro-dollars. */
export type Credited = { reference: string; total: bigint; reason: string; at: number }

/** Names one invoice: the agent who owes it, and the invoice's id. */
export type InvoiceRef = { agent: string; invoice: string }

/**
 * The port of a rail that collects invoices. Each call may be repeated and creates nothing twice. A rejected call
 * leaves the outcome unknown.
 */
export type Collects = {
  /**
   * Submits an invoice. For one that was submitted before, returns where it is now.
   * @throws RailFault when the rail cannot be reached; repeat the call
   */
  present(invoice: Invoice & { presented?: Presented | null }): Promise<Presented>
  /** Returns all that the rail reports about an invoice so far, the oldest first. @throws RailFault */
  check(invoice: InvoiceStanding): Promise<PaymentEvent[]>
  /** Copies a credit note to the rail, if the rail keeps an invoice of its own. @throws RailFault */
  syncCreditNote(invoice: InvoiceStanding, note: CreditNote): Promise<void>
  /**
   * Whether the rail still collects the invoice by itself. If so, a payment by other means must be marked at the rail,
   * or the payer is charged twice.
   * @throws RailFault
   */
  collects(invoice: InvoiceStanding): Promise<boolean>
  /** Lists invoices with events since `at` (Unix ms), whether or not a webhook arrived for them. @throws RailFault */
  since(at: number): Promise<InvoiceRef[]>
}

/** Money to send. `id` is ours: a rail sends it at most once under this id. `total` in micro-dollars. */
export type Payout = { id: string; to: string; total: bigint }

/** The state of a payout. `reference` is the rail's own name for it. `failed` is final: no money moved, or it came back. */
export type PayoutState =
  | { status: 'pending' | 'sent'; reference: string }
  | { status: 'failed'; reason: string }

/**
 * The port of a rail that sends money out. A rejected call leaves the outcome unknown: repeat it with the same id. No rail
 * of ours sends money yet.
 */
export type Pays = {
  /** Sends money once per id. @throws RailFault */
  send(payout: Payout): Promise<PayoutState>
  /** Returns the state of a payout, or null if the rail has none with this id. @throws RailFault */
  lookup(id: string): Promise<PayoutState | null>
}

/** The smallest amount that a rail can move, and the smallest invoice that it accepts. Micro-dollars. */
export type Unit = { unit: bigint; least: bigint }

/** One way to move money: its name, its limits, and its ports. Every rail collects; one that also sends has {@link Pays}. */
export type Rail = Unit & Collects & Partial<Pays> & { name: RailName }

/** The rails that are configured here, by name. */
export type Rails = Partial<Record<RailName, Rail>>

/**
 * The rail cannot be reached, or its response is not the expected one. The outcome is unknown; a repeated call is safe.
 */
export class RailFault extends Error {
  override name = 'RailFault'
}

/** One US cent in micro-dollars. */
export const CENT = 10_000n
