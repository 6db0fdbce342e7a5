/** The documents of one credit line, folded from its journal: statements, invoices and their state. */

import { readBody } from '../body.ts'
import type { Enrolment } from '../credit/terms.ts'
import type { LineEntry, LineKind } from '../credit/types.ts'
import { overpaidOn } from './dunning.ts'
import type {
  Attempt,
  Change,
  Draft,
  DunningStep,
  Invoice,
  InvoiceEvent,
  InvoiceStanding,
  NoteDraft,
  Overpayment,
  StatementHead,
} from './types.ts'

const CHANGES: ReadonlySet<string> = new Set<Change['kind']>([
  'presented',
  'credit_note',
  'payment',
  'reversal',
  'failure',
  'stage',
])

/** Returns the events of one invoice from the documents of its line, in journal order. */
export function eventsOf(invoice: string, documents: readonly LineEntry[]): InvoiceEvent[] {
  return documents
    .filter(({ kind, body }) => CHANGES.has(kind) && body !== null)
    .map(({ seq, at, kind, body }) => ({ seq, at, kind, document: readBody(String(body)) }) as InvoiceEvent)
    .filter(({ document }) => document.invoice === invoice)
}

/** Returns the distinct ids of the invoices that these documents created or changed. */
export function affectedInvoices(documents: readonly LineEntry[]): string[] {
  const ids = documents.flatMap(({ kind, id, body }) => {
    if (kind === 'invoice') return id
    return CHANGES.has(kind) ? readBody<Change['document']>(String(body)).invoice : []
  })
  return [...new Set(ids)]
}

/** Returns the state of an invoice after a change. */
export function changed(invoice: InvoiceStanding, { kind, document }: Change): InvoiceStanding {
  switch (kind) {
    case 'presented':
      return { ...invoice, presented: document.presented }
    case 'credit_note':
      return {
        ...invoice,
        credited: invoice.credited + document.total,
        creditedNet: invoice.creditedNet + document.net,
      }
    case 'payment':
      return { ...invoice, paid: invoice.paid + document.amount, failedAt: null }
    case 'reversal':
      return { ...invoice, paid: invoice.paid - document.amount, failedAt: document.at }
    case 'failure':
      return { ...invoice, failedAt: document.at }
    case 'stage':
      return { ...invoice, stage: document.stage }
  }
}

/**
 * The statements, invoices, attempts and pending dunning steps of one credit line. Amounts in micro-dollars.
 *
 * Add every document in journal order: the state depends on it.
 */
export class Documents {
  readonly #ids = new Set<string>()
  readonly #statements: StatementHead[] = []
  readonly #invoices = new Map<string, InvoiceStanding>()
  readonly #attempts = new Map<string, Attempt>()
  readonly #pendingSteps = new Map<string, DunningStep>()
  readonly #named = new Map<string, bigint>()
  readonly #draftedNotes = new Map<string, NoteDraft>()
  #drafted: Draft | null = null
  #enrolment: Enrolment | null = null
  #openedAt = 0
  #carried = 0n
  #last = 0

  constructor(entries: Iterable<LineEntry>) {
    for (const entry of entries) this.add(entry)
  }

  /** Applies one entry. Ignores charges and the entries about them. */
  add({ seq, kind, id, at, body }: LineEntry): void {
    if (body === null || kind === 'charge') return
    this.#last = seq
    this.#ids.add(`${kind}:${id}`)
    switch (kind) {
      case 'terms':
        if (!this.#enrolment) this.#openedAt = at
        this.#enrolment = readBody<Enrolment>(body)
        return
      case 'statement':
        this.#statements.push(this.#withName(readBody<StatementHead>(body)))
        return
      case 'draft':
        this.#drafted = readBody<Draft>(body)
        return
      case 'invoice':
        this.#drafted = null
        this.#invoice(unpaid(readBody<Invoice>(body)))
        return
      case 'note_draft': {
        const draft = readBody<NoteDraft>(body)
        this.#draftedNotes.set(draft.invoice, draft)
        return
      }
      case 'attempt':
        this.#attempts.set(id, readBody<Attempt>(body))
        return
      case 'refuse': {
        const attempt = this.#attempts.get(id)
        if (attempt) this.#attempts.set(id, { ...attempt, isRefused: true })
        return
      }
      case 'abandon':
        this.#attempts.delete(id)
        return
      case 'told':
        for (const step of readBody<string[]>(body)) this.#pendingSteps.delete(step)
        return
      case 'named':
        for (const { invoice, amount } of readBody<Overpayment[]>(body)) this.#named.set(invoice, amount)
        return
      case 'replay':
      case 'release':
      case 'lower':
        return
      default:
        this.#change({ kind, document: readBody(body) } as Change, id)
    }
  }

  /** Statements of the first version lack a name. Uses the agent's name at that time. */
  #withName(statement: StatementHead): StatementHead {
    return { ...statement, name: statement.name ?? this.#enrolment?.name ?? '' }
  }

  #invoice(invoice: InvoiceStanding): void {
    this.#invoices.set(invoice.id, invoice)
    // Trap: do not set it to `carriedOut`. A credit note stored while the invoice was drafted may have
    // changed it.
    this.#carried += invoice.carriedOut - invoice.carriedIn
  }

  #change(change: Change, id: string): void {
    const { kind, document } = change
    if (kind === 'stage') this.#pendingSteps.set(id, document)
    if (kind === 'payment') this.#attempts.delete(id)
    if (kind === 'credit_note') {
      this.#carried += document.released ?? 0n
      this.#draftedNotes.delete(document.invoice)
    }
    const invoice = changed(this.invoice(document.invoice), change)
    if (overpaidOn(invoice) === 0n) this.#named.delete(invoice.id)
    this.#invoices.set(invoice.id, invoice)
  }

  /** Whether a document of this kind and id was added. */
  has(kind: LineKind, id: string): boolean {
    return this.#ids.has(`${kind}:${id}`)
  }

  /** The latest version of the agent; null for a line that was never opened. */
  get enrolment(): Enrolment | null {
    return this.#enrolment
  }

  /** When the line was opened, in Unix milliseconds; 0 before that. */
  get openedAt(): number {
    return this.#openedAt
  }

  /** The number of the last entry that carries a document; 0 if none does. */
  get last(): number {
    return this.#last
  }

  /** The number of the last entry that a statement covers; 0 before the first statement. */
  get stated(): number {
    return this.#statements.at(-1)?.last ?? 0
  }

  get statements(): readonly StatementHead[] {
    return this.#statements
  }

  /** Statements that are not invoiced yet. */
  get uninvoiced(): StatementHead[] {
    const covered = new Set(this.invoices.flatMap(({ periods }) => periods))
    return this.#statements.filter(({ period }) => !covered.has(period.id))
  }

  /** The draft whose invoice is not stored yet. */
  get drafted(): Draft | null {
    return this.#drafted
  }

  /** The drafts whose credit notes are not stored yet: at most one for each invoice. */
  get draftedNotes(): NoteDraft[] {
    return [...this.#draftedNotes.values()]
  }

  /** The draft whose credit note on this invoice is not stored yet. */
  draftedNote(invoice: string): NoteDraft | undefined {
    return this.#draftedNotes.get(invoice)
  }

  get invoices(): InvoiceStanding[] {
    return [...this.#invoices.values()]
  }

  get unsettled(): InvoiceStanding[] {
    return this.invoices.filter(({ stage }) => stage !== 'settled')
  }

  /** Invoices with an attempt whose money may still arrive, settled ones included. */
  get attempted(): InvoiceStanding[] {
    const ids = new Set(this.attempts.map(({ invoice }) => invoice))
    return this.invoices.filter(({ id }) => ids.has(id))
  }

  /**
   * The amount carried to the next invoice: rounding, and the part of credit notes that covers released
   * charges.
   */
  get carried(): bigint {
    return this.#carried
  }

  /** The net sum of all invoices less the net sum of their credit notes. */
  get invoiced(): bigint {
    return this.invoices.reduce((sum, { net, creditedNet }) => sum + net - creditedNet, 0n)
  }

  get attempts(): Attempt[] {
    return [...this.#attempts.values()]
  }

  get pendingSteps(): DunningStep[] {
    return [...this.#pendingSteps.values()]
  }

  /** Overpayments that no run has named: each amount is named once. */
  get overpaid(): Overpayment[] {
    return this.invoices
      .map((invoice) => ({ invoice: invoice.id, amount: overpaidOn(invoice) }))
      .filter(({ invoice, amount }) => amount > 0n && amount !== this.#named.get(invoice))
  }

  /** Returns one invoice. @throws Error if it does not belong to this line */
  invoice(id: string): InvoiceStanding {
    const invoice = this.#invoices.get(id)
    if (!invoice) throw new Error('the invoice must belong to this credit line')
    return invoice
  }

  /** Returns one invoice, or null. */
  find(id: string): InvoiceStanding | null {
    return this.#invoices.get(id) ?? null
  }

  /** Counts the stages that an invoice has reached, repeated ones included. */
  countStages(invoice: string): number {
    let count = 0
    while (this.#ids.has(`stage:${stageId(invoice, count)}`)) count++
    return count
  }
}

/**
 * Returns the id of the `nth` stage of an invoice. The count is part of it: a reversed payment can repeat a
 * stage.
 */
export function stageId(invoice: string, nth: number): string {
  return `${invoice}/${nth}`
}

function unpaid(invoice: Invoice): InvoiceStanding {
  const nothing = { presented: null, paid: 0n, credited: 0n, creditedNet: 0n, failedAt: null }
  return { ...invoice, ...nothing, stage: 'open' }
}
