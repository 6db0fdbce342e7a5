/** The calls between the billing run and a credit line. All are idempotent by the ids they carry. */
import type {
  Attempt,
  Attempted,
  CreditNote,
  DunningStep,
  DunningTerms,
  EntryProof,
  Happening,
  Invoice,
  InvoiceStanding,
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

/** All that a nightly run must know of a line, in one answer. */
export type LineBill = {
  agent: string
  name: string
  terms: LineTerms
  openedAt: number
  charged: bigint
  redeemed: bigint
  /** When the first entry that no statement covers was made; null when all are covered. */
  unstated: number | null
  /** Statements that no invoice covers, in order. */
  uninvoiced: StatementHead[]
  /** What the invoices so far have left over, and what credit notes gave back for releases since the last. */
  carried: bigint
  /**
   * What was released after it was invoiced, and no charge since makes up for: invoices ask for so much too
   * much.
   */
  excess: bigint
  /** Every invoice that is not settled. */
  invoices: InvoiceStanding[]
  /** Steps that the operator was not told of yet. */
  untold: DunningStep[]
  /** The last entry that carries a document. */
  last: number
}

/** What the book has to hear of a line: the papers that were made or changed after an entry. */
export type LineNews = {
  standing: LineStanding
  statements: StatementHead[]
  invoices: InvoiceStanding[]
  /** The last entry that carries a document. */
  last: number
}

/**
 * What a credit line does for the bill. Everything is idempotent by the id it carries: doing it again answers
 * what the first time made, and changes nothing.
 */
export type BillingCalls = {
  bill(): Promise<LineBill>
  news(after: number): Promise<LineNews>
  /**
   * States all entries made before `period.to` that no statement covers. Null when there are none.
   * Entries are in order of time, so that each is in exactly one statement.
   */
  close(period: Period): Promise<Statement | null>
  /**
   * Notes an invoice over all that {@link LineBill.uninvoiced} had; the answer is the one that was noted
   * first.
   */
  invoiced(invoice: Invoice): Promise<InvoiceStanding>
  presented(invoice: string, presented: Presented): Promise<InvoiceStanding>
  /** Of two notes that were drafted at once, the one that finds too little left is not noted. */
  credited(note: CreditNote): Promise<InvoiceStanding>
  paid(payment: PaymentReceived): Promise<InvoiceStanding>
  reversed(reversal: PaymentReversed): Promise<InvoiceStanding>
  failed(failure: PaymentFailed): Promise<InvoiceStanding>
  /**
   * Lets one payer at a time pay an invoice at once (`exact`): `begun`, `busy` while another attempt is under
   * way, `replayed` when this very attempt has begun or has paid before, `settled` when nothing is owed. An
   * attempt ends with {@link paid} of the same id, or with {@link abandon}.
   */
  attempt(invoice: string, id: string, detail: string): Promise<Attempted>
  abandon(invoice: string, id: string): Promise<void>
  /** Attempts whose end is not known. */
  attempts(): Promise<Attempt[]>
  /** Takes every dunning step that is due and answers all that the operator was not told of. */
  dun(now: number, terms: DunningTerms): Promise<DunningStep[]>
  /** The operator was told of these steps. */
  told(ids: string[]): Promise<void>
  statement(period: string): Promise<Statement | null>
  statements(): Promise<StatementHead[]>
  invoice(id: string): Promise<InvoiceStanding | null>
  invoices(): Promise<InvoiceStanding[]>
  /** What happened to an invoice, the oldest first. */
  history(invoice: string): Promise<Happening[]>
  proof(seq: number): Promise<EntryProof | null>
}
