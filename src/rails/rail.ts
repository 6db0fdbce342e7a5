/** The shape of every rail: how an invoice reaches its payer, and what the rail says of it since. */
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

/** What a rail has seen of an invoice. Ids are the rail's own, so that each is noted once, however often it is seen. */
export type Movement =
  | { kind: 'paid'; payment: PaymentReceived }
  | { kind: 'reversed'; reversal: PaymentReversed }
  | { kind: 'failed'; failure: PaymentFailed }
  | { kind: 'credited'; credit: Credited }

/** A credit note that was written at the rail, and has no number of ours yet. `total` with VAT. */
export type Credited = { reference: string; total: bigint; reason: string; at: number }

/** One way that money comes in. Every call may be repeated: it makes nothing twice. */
export type Rail = Unit & {
  name: RailName
  /**
   * Hands an invoice over; says of one that was handed over where it is now.
   * @throws RailFault when the rail cannot be reached: nothing is known, ask again
   */
  present(invoice: Invoice & { presented?: Presented | null }): Promise<Presented>
  /** All that the rail has seen of an invoice so far, the oldest first. @throws RailFault */
  check(invoice: InvoiceStanding): Promise<Movement[]>
  /** Takes (part of) an invoice back, where the rail keeps one of its own. @throws RailFault */
  credit(invoice: InvoiceStanding, note: CreditNote): Promise<void>
  /** Whether it still collects an invoice by itself: what came in another way must be marked there, or is collected twice. @throws RailFault */
  collects(invoice: InvoiceStanding): Promise<boolean>
  /** The invoices that something has happened to since, whoever was told of it then. @throws RailFault */
  since(at: number): Promise<Touched[]>
}

export type Touched = { agent: string; invoice: string }

export type Rails = Partial<Record<RailName, Rail>>

/** A rail that cannot be reached, or that does not say what it should. The outcome is unknown; asking again is safe. */
export class RailFault extends Error {
  override name = 'RailFault'
}

export const CENT = 10_000n

/** The smallest amount a rail can move, and the least that is worth an invoice on it. Micro-dollars. */
export type Unit = { unit: bigint; least: bigint }
