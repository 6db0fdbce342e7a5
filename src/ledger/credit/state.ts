/** The state and journal of one credit line. */

import type { Reason } from '../../protocol/refusal.ts'
import type { StatedEntry } from '../../protocol/statement.ts'
import { Documents } from '../billing/documents.ts'
import { cutOff } from '../billing/dunning.ts'
import { writeBody } from '../body.ts'
import { isSale } from '../figures/entries.ts'
import { Commits } from '../group-commit.ts'
import { InvariantFault, type Totals } from '../totals.ts'
import { LineJournal } from './journal.ts'
import { type Enrolment, limitOf } from './terms.ts'
import type { LineEntry, LineStanding } from './types.ts'

/** Entries that change what was received, which figures have too. */
const PAYMENTS: ReadonlySet<LineEntry['kind']> = new Set(['payment', 'reversal'])

const NOTHING: Totals = { authorized: 0n, charged: 0n, redeemed: 0n, credit: 0n }

const EMPTY = {
  amount: 0n,
  once: null,
  attempt: 0,
  iou: null,
  request: null,
  site: null,
  rule: null,
  policy: null,
  who: null,
  body: null,
}

/** Entries in one page of a long read. Charges continue between two pages. */
const PAGE = 1000

/** Refusal reasons of a line with unpaid invoices. */
const CUT_OFF: Record<'suspended' | 'payment_failed', Reason> = {
  suspended: 'credit_suspended',
  payment_failed: 'credit_unpaid',
}

/**
 * The state of one credit line, derived from its journal. Amounts in micro-dollars, times in Unix
 * milliseconds.
 *
 * Memory leads storage: callers must await {@link written} or {@link durable} before they return.
 */
export class LineRecord {
  readonly journal: LineJournal
  readonly documents: Documents
  readonly #commits: Commits<LineEntry>
  #standing: LineStanding | null = null
  #seq = 0
  #at = 0

  /** @param stored is called inside each transaction, with whether it stores a charge, or any change of what was charged or paid */
  constructor(ctx: DurableObjectState, stored: (what: { hasCharge: boolean; hasSale: boolean }) => void) {
    this.journal = new LineJournal(ctx.storage.sql)
    this.#commits = new Commits(ctx, (entries) => {
      if (!this.journal.exists()) this.journal.create()
      for (const entry of entries) this.journal.append(entry)
      stored({
        hasCharge: entries.some(({ kind }) => kind === 'charge'),
        hasSale: entries.some((entry) => isSale(entry) || PAYMENTS.has(entry.kind)),
      })
    })
    const last = this.journal.last()
    this.documents = new Documents(this.journal.documents())
    if (last) {
      this.#seq = last.seq
      this.#at = last.at
      this.#derive(last)
    }
  }

  /** The state in memory, or null if the line was never opened. */
  get standing(): LineStanding | null {
    return this.#standing
  }

  /** The state in memory. @throws InvariantFault if the line was never opened */
  known(): LineStanding {
    if (!this.#standing) throw new InvariantFault('the credit line must be opened first')
    return this.#standing
  }

  /** Applies a version of the agent; the first one opens the line. Ignores older versions. */
  enrol(enrolment: Enrolment): void {
    const { version } = this.documents.enrolment ?? { version: -1 }
    if (enrolment.version > version) this.note('terms', `${enrolment.agent}@${enrolment.version}`, enrolment)
  }

  /** Appends an entry and sets the totals. */
  record(what: Pick<LineEntry, 'kind' | 'id'> & Partial<LineEntry>, totals: Totals): LineEntry {
    const { authorized, charged, redeemed, credit } = totals
    this.#at = this.now()
    const entry: LineEntry = {
      ...EMPTY,
      of: null,
      ...what,
      seq: ++this.#seq,
      at: this.#at,
      authorized,
      charged,
      redeemed,
      credit,
      ceiling: redeemed + (this.#standing?.limit ?? 0n),
    }
    if (this.#standing) this.#standing = { ...this.#standing, authorized, charged, redeemed, credit }
    this.#commits.add(entry)
    return entry
  }

  /** Appends a document and derives the new state. */
  note(
    kind: LineEntry['kind'],
    id: string,
    document: object,
    totals: Totals = this.#standing ?? NOTHING,
  ): void {
    const entry = this.record({ kind, id, body: writeBody(document) }, totals)
    this.documents.add(entry)
    this.#derive(entry)
  }

  /** Returns a charge with its replays and releases, including entries not yet stored. */
  story(seq: number): LineEntry[] {
    const unwritten = this.#commits.unwritten.filter((entry) => entry.seq === seq || entry.of === seq)
    return [...this.journal.story(seq), ...unwritten]
  }

  /** Passes the entries from `first` on to `take`, up to the first one that does not belong. */
  async read(
    first: number,
    belongs: (entry: StatedEntry) => boolean,
    take: (entry: StatedEntry) => void,
  ): Promise<void> {
    let last = first - 1
    for (;;) {
      const page = this.journal.stated(last, PAGE)
      for (const entry of page) {
        if (!belongs(entry)) return
        take(entry)
        last = entry.seq
      }
      if (page.length < PAGE) return
      await scheduler.wait(0)
    }
  }

  /** Resolves once the entries recorded so far are stored. @throws when they were not */
  async written(): Promise<void> {
    await this.#commits.pending
  }

  /** Resolves once storage contains everything that memory does. @throws when a write fails */
  async durable(): Promise<void> {
    await this.#commits.durable()
  }

  /** The current time, never lower than the last entry's: the clock may go back (faults: E13). */
  now(): number {
    const now = Date.now()
    return now > this.#at ? now : this.#at
  }

  /** Derives the state from the totals and the documents. */
  #derive({ authorized, charged, redeemed, credit }: Totals): void {
    const { enrolment, openedAt, unsettled } = this.documents
    if (!enrolment) throw new InvariantFault('the first entry of a credit line must be its terms')
    const cut = cutOff(unsettled)
    const closed = enrolment.suspended !== null ? 'credit_suspended' : cut && CUT_OFF[cut]
    const limit = limitOf(enrolment.terms, redeemed)
    this.#standing = { authorized, charged, redeemed, credit, enrolment, openedAt, limit, closed }
  }
}
