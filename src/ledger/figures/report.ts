/** Reports the journal of one account into D1, from the position that D1 has. */
import { addReport, type FigureAccount, readPosition } from '../book/figure-report.ts'
import { FigureSums, type Redemption, receiptsByDay, type Sale } from './fold.ts'

/** A journal of sales with positions that grow by one. */
export type SalesJournal = {
  /** The position of the last entry; 0 for an empty journal. */
  last(): number
  /** Passes on the sales among up to `limit` entries after `from`. Returns the position that it has read. */
  read(from: number, limit: number, take: (sale: Sale) => void): number
  /** The sum of charges less releases up to a position, by the account's own totals. Micro-dollars. */
  charged(to: number): bigint
  /** The redemptions among the entries after `from`, up to `to`. */
  receipts(from: number, to: number): Redemption[]
  /** When the charge was made that is `back` before the last one, in Unix milliseconds; null if there is none. */
  earlier(back: number): number | null
}

/** How far an account has reported, and the sum that its journal has there, in micro-dollars. */
export type Reported = FigureAccount & { position: number; charged: bigint }

/** Why D1 could not be read or written. The account makes up for it with its next report. */
export type Unreported = { fault: string }

/** How long after a charge the account reports it, if it is alone or one of many. */
export const REPORT_MS = 60_000
/** How long if some more charges are likely to come meanwhile: they share the rows of one report. */
export const STRETCHED_MS = 300_000

/** Charges in {@link REPORT_MS} that make an account busy: a report each time is cheap then. */
const BUSY = 30
/** More figures than this for each entry, and the account is not busy: half of the entries have a row of their own. */
const SPREAD = 0.5

/** Entries in one read of the journal, and in one report: some 2 MB of memory. */
const PAGE = 1_000
const MAX_ENTRIES = 10_000
/** Figures in one report: some 300 kB of JSON, where D1 takes 2 MB. A page may exceed it by as many figures as it has entries. */
const MAX_FIGURES = 2_000
/** Reports in one call. A rest waits for the next one. */
const MAX_REPORTS = 50

/** The reports of one account. D1 alone has the position: with its tables lost, the account reports everything again. */
export class FigureReports {
  readonly #book: D1Database
  readonly #journal: SalesJournal
  readonly #name: () => FigureAccount | null
  /** The position in D1, as far as it is known here. */
  #position: number | null = null
  #spread = 0
  #running: Promise<Reported | null> | null = null

  /** @param name the account, or null before it was opened */
  constructor(book: D1Database, journal: SalesJournal, name: () => FigureAccount | null) {
    this.#book = book
    this.#journal = journal
    this.#name = name
  }

  /**
   * How long a report may wait after a charge at `now` (Unix ms). A charge alone in {@link STRETCHED_MS} is reported soon: to
   * wait would save nothing.
   */
  delayMs(now: number): number {
    const before = this.#journal.earlier(1)
    const isAlone = before === null || before < now - STRETCHED_MS
    const isBusy = (this.#journal.earlier(BUSY) ?? 0) >= now - REPORT_MS && this.#spread <= SPREAD
    return isAlone || isBusy ? REPORT_MS : STRETCHED_MS
  }

  /**
   * Reports what D1 does not have yet. Returns null for an account that was never opened.
   * @throws when D1 cannot be written; the next call makes up for it
   */
  report(): Promise<Reported | null> {
    this.#running ??= this.#report().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  /** The same with the position read anew: D1 may have been replaced, and a run compares. Never throws. */
  async reportAfresh(): Promise<Reported | Unreported | null> {
    await this.#running?.catch(() => null)
    this.#position = null
    return this.report().catch((fault) => ({ fault: String(fault) }))
  }

  async #report(): Promise<Reported | null> {
    const name = this.#name()
    if (!name) return null
    let position = this.#position ?? (await readPosition(this.#book, name))
    for (let reports = 0; reports < MAX_REPORTS && position < this.#journal.last(); reports++) {
      this.#position = null
      const isAdded = await this.#add(name, position)
      position = isAdded ?? (await readPosition(this.#book, name))
    }
    this.#position = position
    return { ...name, position, charged: this.#journal.charged(position) }
  }

  /** Adds one report at `from`. Returns the position after it, or null if D1 has another position. */
  async #add(name: FigureAccount, from: number): Promise<number | null> {
    const sums = new FigureSums()
    const last = this.#journal.last()
    let to = from
    while (to < last && to - from < MAX_ENTRIES && sums.size < MAX_FIGURES)
      to = this.#journal.read(to, PAGE, (sale) => sums.add(sale))
    const figures = sums.end()
    const receipts = receiptsByDay(this.#journal.receipts(from, to))
    const report = { ...name, from, to, figures, receipts, charged: sums.charged }
    if (!(await addReport(this.#book, report, Date.now()))) return null
    this.#spread = figures.length / (to - from)
    return to
  }
}
