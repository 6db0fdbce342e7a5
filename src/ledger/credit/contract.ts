/** The calls from the billing run to a credit line. */
import type {
  Attempt,
  Attempted,
  CreditNote,
  Draft,
  DunningStep,
  DunningTerms,
  EntryProof,
  Invoice,
  InvoiceEvent,
  InvoiceStanding,
  NoteDraft,
  Overpayment,
  PaymentFailed,
  PaymentReceived,
  PaymentReversed,
  Period,
  Presented,
  Statement,
  StatementHead,
} from '../billing/types.ts'
import type { LineTerms } from './terms.ts'
import type { LineStanding } from './types.ts'

/** Everything that a billing run needs from a line. Amounts in micro-dollars, times in Unix milliseconds. */
export type LineBill = {
  agent: string
  name: string
  terms: LineTerms
  openedAt: number
  charged: bigint
  redeemed: bigint
  /** The time of the first unbilled charge or release; null if statements cover all of them. */
  unstated: number | null
  /** Statements that are not invoiced yet, in order. */
  uninvoiced: StatementHead[]
  /** The invoice that was drafted and is not stored yet, after a run that stopped in between; else null. */
  drafted: Draft | null
  /** Credit notes that were drafted and are not stored yet, after a run or an operator’s call that stopped in between. */
  draftedNotes: NoteDraft[]
  /**
   * The amount carried to the next invoice: rounding, and the part of credit notes that covers released
   * charges.
   */
  carried: bigint
  /**
   * The over-invoiced amount: charges released after invoicing that neither later charges nor credit notes or their drafts have
   * absorbed.
   */
  excess: bigint
  /** Every invoice that is not settled. */
  invoices: InvoiceStanding[]
  /** Invoices with an attempt whose money may still arrive, settled ones included. */
  attempted: InvoiceStanding[]
  /** Dunning steps whose notification is still pending. */
  pendingSteps: DunningStep[]
  /** Overpayments that no run has named. */
  overpaid: Overpayment[]
  /** The last entry that carries a document. */
  last: number
}

/** The changes of a line since an entry, for the read model: its state and the affected documents. */
export type LineNews = {
  standing: LineStanding
  statements: StatementHead[]
  invoices: InvoiceStanding[]
  /** The last entry that carries a document. */
  last: number
}

/** The number of a drafted credit note, and the id that follows from it. */
export type NumberedNote = Pick<CreditNote, 'id' | 'number' | 'invoice'>

/** A credit note over the released amount. `unit`: the smallest of the rail. `now` in Unix milliseconds. */
export type ReleasedNote = { invoice: string; unit: bigint; reason: string; now: number }

/** The result of dunning. */
export type Dunned = Pick<LineBill, 'pendingSteps' | 'overpaid'>

/**
 * The billing calls of a credit line. Each is idempotent by the id it carries: a repeated call returns the
 * first result and changes nothing. Times in Unix milliseconds.
 *
 * All throw InvariantFault on a line that was never opened, and Error for an invoice of another line, except
 * where null is returned.
 */
export type BillingCalls = {
  /** Returns the state that a billing run starts from. */
  bill(): Promise<LineBill>
  /** Returns what changed after entry `after`. */
  news(after: number): Promise<LineNews>
  /**
   * Issues the statement over all unbilled entries before `period.to`; null if none of them is a charge or
   * release.
   *
   * Entries are ordered by time, so each is in exactly one statement.
   * @throws InvariantFault for a journal that somebody has changed by hand
   */
  close(period: Period): Promise<Statement | null>
  /**
   * Stores the draft of the next invoice, before its number is taken. Returns the one that was stored first, until its invoice
   * is stored.
   */
  draft(draft: Draft): Promise<Draft>
  /** Stores an invoice over all of {@link LineBill.uninvoiced}. Returns the one that was stored first. */
  invoiced(invoice: Invoice): Promise<InvoiceStanding>
  /** Stores the rail's reference and payment link of a submitted invoice, over earlier ones. */
  presented(invoice: string, presented: Presented): Promise<InvoiceStanding>
  /**
   * Stores the draft of a credit note, before its number is taken. Returns the one that was stored first on this invoice, until
   * its note is stored. Null for one that exceeds the rest of the invoice, and for one that does not come after the last note,
   * as when two are drafted at once.
   */
  draftNote(draft: NoteDraft): Promise<NoteDraft | null>
  /** The same for a note over {@link LineBill.excess}, as far as the invoice owes it. Null if it comes to nothing. */
  draftReleased(note: ReleasedNote): Promise<NoteDraft | null>
  /**
   * Stores the credit note of an invoice's draft, under its number, once. Without a draft it changes nothing, unless a Worker of
   * the version before sends the whole note.
   */
  credited(note: NumberedNote | CreditNote): Promise<InvoiceStanding>
  /** Stores a payment of an invoice. */
  paid(payment: PaymentReceived): Promise<InvoiceStanding>
  /** Stores the reversal of a payment. */
  reversed(reversal: PaymentReversed): Promise<InvoiceStanding>
  /** Stores a failed payment. */
  failed(failure: PaymentFailed): Promise<InvoiceStanding>
  /**
   * Begins an attempt to pay an invoice at once (`exact`), one at a time. `begun`: go on. `busy`: another
   * attempt is pending. `replayed`: this attempt has begun or paid before. `settled`: the invoice owes 0.
   *
   * End an attempt with {@link paid} of the same id, or with {@link abandon}. A refused one blocks no other.
   */
  attempt(invoice: string, id: string, detail: string): Promise<Attempted>
  /** Lets other attempts begin: the payer of this one got a refusal, but its money may still arrive. */
  refuse(invoice: string, id: string): Promise<void>
  /** Ends an attempt that did not pay and never will. */
  abandon(invoice: string, id: string): Promise<void>
  /** Returns the attempts that may have paid or may still pay. */
  attempts(): Promise<Attempt[]>
  /**
   * Takes every dunning step that is due at `now`. Returns all steps whose notification is pending, and the overpayments that no
   * run has named.
   */
  dun(now: number, terms: DunningTerms): Promise<Dunned>
  /** Marks the notifications of these steps as delivered. */
  notified(ids: string[]): Promise<void>
  /** Marks overpayments as named: a run has stored its findings of them. */
  named(overpaid: Overpayment[]): Promise<void>
  /** Returns the statement of a period with its line items, or null if it was not issued. */
  statement(period: string): Promise<Statement | null>
  /** Returns the heads of all statements, oldest first. */
  statements(): Promise<StatementHead[]>
  /** Returns an invoice, or null if the line has not stored it. */
  invoice(id: string): Promise<InvoiceStanding | null>
  /** Returns all invoices, oldest first. */
  invoices(): Promise<InvoiceStanding[]>
  /** Returns the events of an invoice, oldest first. */
  history(invoice: string): Promise<InvoiceEvent[]>
  /** Returns the Merkle proof that entry `seq` is in its statement, or null if no statement covers it. */
  proof(seq: number): Promise<EntryProof | null>
}
