/** The billing of one credit line: statements, invoices, payments and dunning. */

import { canonicalJson } from '../../protocol/encoding/canonical-json.ts'
import { entryIn, leafOf, type StatedEntry, type StatementForm } from '../../protocol/statement.ts'
import type {
  BillingCalls,
  Dunned,
  LineBill,
  LineNews,
  NumberedNote,
  ReleasedNote,
} from '../credit/contract.ts'
import type { LineRecord } from '../credit/state.ts'
import { delivered, InvariantFault, redeem, release } from '../totals.ts'
import { affectedInvoices, changed, eventsOf, stageId } from './documents.ts'
import { owedOn, redeemedBy, stagesDue } from './dunning.ts'
import { creditable, draftNoteOver, releasable } from './notes.ts'
import { prove, StatementBuilder } from './statement.ts'
import type {
  Attempt,
  Attempted,
  Change,
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
} from './types.ts'

/**
 * Terms that reach no stage by time. Only `dun` has the operator's terms; stages reached by money are taken
 * at once.
 */
const NO_TIME = Number.NEGATIVE_INFINITY
const NO_TERMS: DunningTerms = { net: 0, pastDue: 0, suspended: 0, writtenOff: 0 }

/** The form of new statements. An issued one keeps its own. */
const FORM: StatementForm = 2

/** Implements the billing calls of `credit/contract.ts` on the record of one credit line. */
export class Billing implements BillingCalls {
  readonly #record: LineRecord

  constructor(record: LineRecord) {
    this.#record = record
  }

  /** Whether a run has something left to do: to issue a statement or invoice, to collect, to dun, to credit, or to name. */
  isOpen(): boolean {
    const { stated, uninvoiced, draftedNotes, unsettled, pendingSteps, overpaid } = this.#documents
    const documents =
      uninvoiced.length + draftedNotes.length + unsettled.length + pendingSteps.length + overpaid.length
    return documents > 0 || this.#excess > 0n || this.#record.journal.movedAfter(stated) !== null
  }

  async bill(): Promise<LineBill> {
    await this.#record.durable()
    const { enrolment, openedAt, charged, redeemed } = this.#record.known()
    const { agent, name, terms } = enrolment
    const { uninvoiced, drafted, carried, unsettled: invoices, pendingSteps, stated, last } = this.#documents
    const unstated = this.#record.journal.movedAfter(stated)
    const known = { agent, name, terms, openedAt, charged, redeemed, last }
    const { attempted, draftedNotes, overpaid } = this.#documents
    return {
      ...known,
      unstated,
      uninvoiced,
      drafted,
      draftedNotes,
      carried,
      excess: this.#excess,
      invoices,
      attempted,
      pendingSteps,
      overpaid,
    }
  }

  async news(after: number): Promise<LineNews> {
    await this.#record.durable()
    const { statements, last } = this.#documents
    const documents = this.#record.journal.documents(after)
    const stated = new Set(documents.flatMap(({ kind, id }) => (kind === 'statement' ? id : [])))
    return {
      standing: this.#record.known(),
      statements: statements.filter(({ period }) => stated.has(period.id)),
      invoices: affectedInvoices(documents).map((id) => this.#documents.invoice(id)),
      last,
    }
  }

  async close(period: Period): Promise<Statement | null> {
    await this.#record.durable()
    const known = await this.statement(period.id)
    if (known) return known
    const first = this.#documents.stated + 1
    const moved = this.#record.journal.movedAfter(first - 1)
    if (moved === null || moved >= period.to) return null
    const stated = await this.#state(first, FORM, ({ at }) => at < period.to)
    // Somebody has changed a row by hand: nothing of it is billed before an operator has looked at it (faults: E15).
    if (stated.total !== this.#record.journal.charged(first, stated.last))
      throw new InvariantFault(
        `the amounts of entries ${first} to ${stated.last} must follow from their totals`,
      )
    // Another call may have issued the statement while this one was reading.
    if (first !== this.#documents.stated + 1) return this.close(period)
    const { name } = this.#record.known().enrolment
    const closedAt = this.#record.now()
    const { lines, ...head } = { period: this.#after(period), ...stated, closedAt, name }
    this.#record.note('statement', period.id, head)
    await this.#record.durable()
    return { ...head, lines }
  }

  async draft(draft: Draft): Promise<Draft> {
    const { drafted, uninvoiced } = this.#documents
    // Another run may have stored the invoice since: its number's key leads to it again.
    const isOpen = uninvoiced.some(({ period }) => period.id === draft.periods[0])
    if (!drafted && isOpen) this.#record.note('draft', draft.periods.join(' '), draft)
    await this.#record.durable()
    return drafted ?? draft
  }

  async invoiced(invoice: Invoice): Promise<InvoiceStanding> {
    if (!this.#documents.has('invoice', invoice.id)) {
      this.#record.note('invoice', invoice.id, invoice)
      this.#take(invoice.id, NO_TERMS, NO_TIME)
    }
    return this.#written(invoice.id)
  }

  async presented(invoice: string, presented: Presented): Promise<InvoiceStanding> {
    const { presented: known } = this.#documents.invoice(invoice)
    if (known && canonicalJson(known) === canonicalJson(presented)) return this.#written(invoice)
    // The payment link may change and change back, so each change needs an id of its own.
    const id = known ? `${invoice}/${this.#documents.last}` : invoice
    return this.#change({ kind: 'presented', document: { invoice, presented } }, id)
  }

  async draftNote(draft: NoteDraft): Promise<NoteDraft | null> {
    const invoice = this.#documents.invoice(draft.invoice)
    const isNext = draft.credited === invoice.credited
    const isLeft = draft.net <= creditable(invoice) && draft.total <= invoice.total - invoice.credited
    return this.#drafted(draft.invoice, isNext && isLeft ? draft : null)
  }

  async draftReleased({ invoice: id, unit, reason, now }: ReleasedNote): Promise<NoteDraft | null> {
    const invoice = this.#documents.invoice(id)
    const total = releasable(invoice, this.#excess, unit)
    return this.#drafted(id, total > 0n ? draftNoteOver(invoice, { total, reason, now }) : null)
  }

  async credited(note: NumberedNote | CreditNote): Promise<InvoiceStanding> {
    const { id, number, invoice } = note
    if (!this.#documents.draftedNote(invoice)) await this.#draftOld(note)
    const draft = this.#documents.draftedNote(invoice)
    if (!draft || this.#documents.has('credit_note', id)) return this.#written(invoice)
    // Releases since the draft are covered too. Its own part stays: if later charges have absorbed it, it is carried.
    const { credited: _, ...rest } = covering(draft, (draft.released ?? 0n) + this.#excess)
    return this.#change({ kind: 'credit_note', document: { ...rest, id, number } }, id)
  }

  async paid(payment: PaymentReceived): Promise<InvoiceStanding> {
    return this.#change({ kind: 'payment', document: payment }, payment.id)
  }

  async reversed(reversal: PaymentReversed): Promise<InvoiceStanding> {
    return this.#change({ kind: 'reversal', document: reversal }, reversal.id)
  }

  async failed(failure: PaymentFailed): Promise<InvoiceStanding> {
    return this.#change({ kind: 'failure', document: failure }, failure.id)
  }

  async attempt(invoice: string, id: string, detail: string): Promise<Attempted> {
    await this.#record.durable()
    const open = this.#documents.attempts.filter(
      (attempt) => attempt.invoice === invoice && !attempt.isRefused,
    )
    if (this.#documents.has('payment', id) || open.some((attempt) => attempt.id === id)) return 'replayed'
    if (owedOn(this.#documents.invoice(invoice)) === 0n) return 'settled'
    if (open.length > 0) return 'busy'
    this.#record.note('attempt', id, { invoice, id, detail, at: this.#record.now() } satisfies Attempt)
    await this.#record.durable()
    return 'begun'
  }

  async refuse(invoice: string, id: string): Promise<void> {
    const isOpen = this.#documents.attempts.some(
      (attempt) => attempt.invoice === invoice && attempt.id === id && !attempt.isRefused,
    )
    if (isOpen) this.#record.note('refuse', id, { invoice, id })
    await this.#record.durable()
  }

  async abandon(invoice: string, id: string): Promise<void> {
    const open = this.#documents.attempts.some((attempt) => attempt.invoice === invoice && attempt.id === id)
    if (open) this.#record.note('abandon', id, { invoice, id })
    await this.#record.durable()
  }

  async attempts(): Promise<Attempt[]> {
    await this.#record.durable()
    return this.#documents.attempts
  }

  async dun(now: number, terms: DunningTerms): Promise<Dunned> {
    for (const { id } of this.#documents.unsettled) this.#take(id, terms, now, now)
    await this.#record.durable()
    const { pendingSteps, overpaid } = this.#documents
    return { pendingSteps, overpaid }
  }

  async named(overpaid: Overpayment[]): Promise<void> {
    const unnamed = new Set(this.#documents.overpaid.map(({ invoice }) => invoice))
    const news = overpaid.filter(({ invoice }) => unnamed.has(invoice))
    // The same amount can come back after a reversal, so each entry needs an id of its own.
    if (news.length > 0) this.#record.note('named', `${this.#documents.last}`, news)
    await this.#record.durable()
  }

  async notified(ids: string[]): Promise<void> {
    const pending = new Set(this.#documents.pendingSteps.map(({ id }) => id))
    const done = ids.filter((id) => pending.has(id))
    if (done.length > 0) this.#record.note('told', done.join(' '), done)
    await this.#record.durable()
  }

  async statement(period: string): Promise<Statement | null> {
    await this.#record.durable()
    const head = this.#documents.statements.find(({ period: { id } }) => id === period)
    if (!head) return null
    const { lines } = await this.#state(head.first, head.form ?? 1, ({ seq }) => seq <= head.last)
    return { ...head, lines }
  }

  async statements(): Promise<StatementHead[]> {
    await this.#record.durable()
    return [...this.#documents.statements]
  }

  async invoice(id: string): Promise<InvoiceStanding | null> {
    await this.#record.durable()
    return this.#documents.find(id)
  }

  async invoices(): Promise<InvoiceStanding[]> {
    await this.#record.durable()
    return this.#documents.invoices
  }

  async history(invoice: string): Promise<InvoiceEvent[]> {
    await this.#record.durable()
    return eventsOf(invoice, this.#record.journal.documents())
  }

  async proof(seq: number): Promise<EntryProof | null> {
    await this.#record.durable()
    const head = this.#documents.statements.find(({ first, last }) => first <= seq && seq <= last)
    const [entry] = this.#record.journal.stated(seq - 1, 1)
    if (!head || !entry) return null
    const stated = (each: StatedEntry) => entryIn(head.form ?? 1, each)
    const leaves: Uint8Array[] = []
    await this.#record.read(
      head.first,
      (each) => each.seq <= head.last,
      (each) => leaves.push(leafOf(stated(each))),
    )
    return prove(head, leaves, stated(entry))
  }

  get #documents() {
    return this.#record.documents
  }

  /**
   * The over-invoiced amount: how far invoices exceed deliveries, because charges were released after
   * invoicing. Drafts of credit notes have taken their part.
   */
  get #excess(): bigint {
    const { invoiced, draftedNotes } = this.#documents
    const drafted = draftedNotes.reduce((sum, { released = 0n }) => sum + released, 0n)
    const excess = invoiced - drafted - delivered(this.#record.known())
    return excess > 0n ? excess : 0n
  }

  /** Stores the draft of a note, if there is one and the invoice has none. Returns the one that is stored. */
  async #drafted(invoice: string, draft: NoteDraft | null): Promise<NoteDraft | null> {
    if (draft && !this.#documents.draftedNote(invoice))
      this.#record.note('note_draft', `${invoice}:${draft.credited}`, covering(draft, this.#excess))
    const stored = this.#documents.draftedNote(invoice) ?? null
    await this.#record.durable()
    return stored
  }

  /** Drafts a note that a Worker of the version before sends whole: it stores no draft. */
  async #draftOld(note: NumberedNote | CreditNote): Promise<void> {
    const { id, number: _, ...draft } = note
    const isNew = 'net' in draft && !this.#documents.has('credit_note', id)
    if (!isNew || (draft.released ?? 0n) > this.#excess) return
    await this.draftNote({ ...draft, credited: this.#documents.invoice(note.invoice).credited })
  }

  /** Cuts the part that earlier statements cover: a month may begin with days that were stated one by one. */
  #after(period: Period): Period {
    const { to = period.from } = this.#documents.statements.at(-1)?.period ?? {}
    return to > period.from && to < period.to ? { ...period, from: to } : period
  }

  /** Stores a change of an invoice, the amount it redeems and the stage it leads to. */
  async #change(change: Change, id: string): Promise<InvoiceStanding> {
    const { kind, document } = change
    const before = this.#documents.invoice(document.invoice)
    if (!this.#documents.has(kind, id)) {
      const standing = this.#record.known()
      const totals =
        kind === 'credit_note' ? release(standing, document.net - (document.released ?? 0n)) : standing
      const redeemed = standing.redeemed - redeemedBy(before) + redeemedBy(changed(before, change))
      this.#record.note(kind, id, document, redeem(totals, redeemed))
      this.#take(before.id, NO_TERMS, NO_TIME)
    }
    return this.#written(before.id)
  }

  /** Stores the stages that an invoice has reached by `now`. */
  #take(invoice: string, terms: DunningTerms, now: number, at = this.#record.now()): void {
    const standing = this.#documents.invoice(invoice)
    const { agent } = this.#record.known().enrolment
    for (const stage of stagesDue(standing, terms, now)) {
      const id = stageId(invoice, this.#documents.countStages(invoice))
      const step: DunningStep = { id, agent, invoice, stage, at, open: owedOn(standing) }
      this.#record.note('stage', id, step)
    }
  }

  /** Builds a statement of the entries from `first` on, up to the first one that does not belong. */
  async #state(first: number, form: StatementForm, belongs: (entry: StatedEntry) => boolean) {
    const builder = new StatementBuilder(first, form)
    await this.#record.read(first, belongs, (entry) => builder.add(entry))
    return builder.end()
  }

  async #written(invoice: string): Promise<InvoiceStanding> {
    await this.#record.durable()
    return this.#documents.invoice(invoice)
  }
}

/** A draft whose `released` is the part of an over-invoiced amount that it covers. */
function covering(draft: NoteDraft, excess: bigint): NoteDraft {
  return excess > 0n ? { ...draft, released: draft.net < excess ? draft.net : excess } : draft
}
