/** What the documents of one credit line come to: statements, invoices and what became of them. A fold of its journal. */

import { readBody } from '../body.ts'
import type { Enrolment } from '../credit/terms.ts'
import type { LineEntry, LineKind } from '../credit/types.ts'
import type {
  Attempt,
  Change,
  DunningStep,
  Happening,
  Invoice,
  InvoiceStanding,
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

/** What happened to one invoice, of the documents of its line, in their order. */
export function happenings(invoice: string, documents: readonly LineEntry[]): Happening[] {
  return documents
    .filter(({ kind, body }) => CHANGES.has(kind) && body !== null)
    .map(({ seq, at, kind, body }) => ({ seq, at, kind, document: readBody(String(body)) }) as Happening)
    .filter(({ document }) => document.invoice === invoice)
}

/** The ids of the invoices that some documents made or changed, each once. */
export function touchedBy(documents: readonly LineEntry[]): string[] {
  const ids = documents.flatMap(({ kind, id, body }) => {
    if (kind === 'invoice') return id
    return CHANGES.has(kind) ? readBody<Change['document']>(String(body)).invoice : []
  })
  return [...new Set(ids)]
}

/** Where an invoice stands after a change. */
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

export class Documents {
  readonly #ids = new Set<string>()
  readonly #statements: StatementHead[] = []
  readonly #invoices = new Map<string, InvoiceStanding>()
  readonly #attempts = new Map<string, Attempt>()
  readonly #untold = new Map<string, DunningStep>()
  #enrolment: Enrolment | null = null
  #openedAt = 0
  #carried = 0n
  #last = 0

  constructor(entries: Iterable<LineEntry>) {
    for (const entry of entries) this.add(entry)
  }

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
        this.#statements.push(this.#named(readBody<StatementHead>(body)))
        return
      case 'invoice':
        this.#invoice(unpaid(readBody<Invoice>(body)))
        return
      case 'attempt':
        this.#attempts.set(id, readBody<Attempt>(body))
        return
      case 'abandon':
        this.#attempts.delete(id)
        return
      case 'told':
        for (const step of readBody<string[]>(body)) this.#untold.delete(step)
        return
      case 'replay':
      case 'release':
        return
      default:
        this.#change({ kind, document: readBody(body) } as Change, id)
    }
  }

  /** Statements of the first version have no name: theirs is the one of then. */
  #named(statement: StatementHead): StatementHead {
    return { ...statement, name: statement.name ?? this.#enrolment?.name ?? '' }
  }

  #invoice(invoice: InvoiceStanding): void {
    this.#invoices.set(invoice.id, invoice)
    // A credit note may carry something while the invoice is drafted, which it knows nothing of.
    this.#carried += invoice.carriedOut - invoice.carriedIn
  }

  #change(change: Change, id: string): void {
    const { kind, document } = change
    if (kind === 'stage') this.#untold.set(id, document)
    if (kind === 'payment') this.#attempts.delete(id)
    if (kind === 'credit_note') this.#carried += document.released ?? 0n
    this.#invoices.set(document.invoice, changed(this.invoice(document.invoice), change))
  }

  has(kind: LineKind, id: string): boolean {
    return this.#ids.has(`${kind}:${id}`)
  }

  /** What the registry said last; null for a line that was never opened. */
  get enrolment(): Enrolment | null {
    return this.#enrolment
  }

  get openedAt(): number {
    return this.#openedAt
  }

  /** The last entry that carries a document. */
  get last(): number {
    return this.#last
  }

  /** The last entry that a statement covers. */
  get stated(): number {
    return this.#statements.at(-1)?.last ?? 0
  }

  get statements(): readonly StatementHead[] {
    return this.#statements
  }

  /** Statements that no invoice covers. */
  get uninvoiced(): StatementHead[] {
    const covered = new Set(this.invoices.flatMap(({ periods }) => periods))
    return this.#statements.filter(({ period }) => !covered.has(period.id))
  }

  get invoices(): InvoiceStanding[] {
    return [...this.#invoices.values()]
  }

  get unsettled(): InvoiceStanding[] {
    return this.invoices.filter(({ stage }) => stage !== 'settled')
  }

  /** What the last invoice left over, and what credit notes gave back for releases since. */
  get carried(): bigint {
    return this.#carried
  }

  /** What all invoices are over, without VAT, less what credit notes took back. */
  get invoiced(): bigint {
    return this.invoices.reduce((sum, { net, creditedNet }) => sum + net - creditedNet, 0n)
  }

  get attempts(): Attempt[] {
    return [...this.#attempts.values()]
  }

  get untold(): DunningStep[] {
    return [...this.#untold.values()]
  }

  /** @throws when there is no such invoice */
  invoice(id: string): InvoiceStanding {
    const invoice = this.#invoices.get(id)
    if (!invoice) throw new Error('this line has no such invoice')
    return invoice
  }

  find(id: string): InvoiceStanding | null {
    return this.#invoices.get(id) ?? null
  }

  /** How often an invoice has come to a stage. */
  countStages(invoice: string): number {
    let count = 0
    while (this.#ids.has(`stage:${stageId(invoice, count)}`)) count++
    return count
  }
}

/** Names a stage newly reached. It may be reached again, when a payment is taken back. */
export function stageId(invoice: string, nth: number): string {
  return `${invoice}/${nth}`
}

function unpaid(invoice: Invoice): InvoiceStanding {
  const nothing = { presented: null, paid: 0n, credited: 0n, creditedNet: 0n, failedAt: null }
  return { ...invoice, ...nothing, stage: 'open' }
}
