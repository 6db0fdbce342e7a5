/** One credit line's standing and journal: memory leads, and is on disk before anybody is answered. */

import type { Reason } from '../../protocol/refusal.ts'
import type { StatedEntry } from '../../protocol/statement.ts'
import { Documents } from '../billing/documents.ts'
import { cutOff } from '../billing/dunning.ts'
import { writeBody } from '../body.ts'
import { Commits } from '../group-commit.ts'
import { InvariantFault, type Totals } from '../totals.ts'
import { LineJournal } from './journal.ts'
import { type Enrolment, limitOf } from './terms.ts'
import type { LineEntry, LineStanding } from './types.ts'

const NOTHING: Totals = { authorized: 0n, charged: 0n, redeemed: 0n, credit: 0n }

const EMPTY = {
  amount: 0n,
  once: null,
  attempt: 0,
  iou: null,
  request: null,
  site: null,
  rule: null,
  body: null,
}

/** Entries read at once. Between two readings, charges go on. */
const PAGE = 1000

/** Why nothing is charged on a line whose invoices are not paid. */
const CUT_OFF: Record<'suspended' | 'payment_failed', Reason> = {
  suspended: 'credit_suspended',
  payment_failed: 'credit_unpaid',
}

export class LineRecord {
  readonly journal: LineJournal
  readonly documents: Documents
  readonly #commits: Commits<LineEntry>
  #standing: LineStanding | null = null
  #seq = 0
  #at = 0

  constructor(ctx: DurableObjectState) {
    this.journal = new LineJournal(ctx.storage.sql)
    this.#commits = new Commits(ctx, (entries) => {
      if (!this.journal.exists()) this.journal.create()
      for (const entry of entries) this.journal.append(entry)
    })
    const last = this.journal.last()
    this.documents = new Documents(this.journal.documents())
    if (last) {
      this.#seq = last.seq
      this.#at = last.at
      this.#stand(last)
    }
  }

  /** Null while the line was never opened. */
  get standing(): LineStanding | null {
    return this.#standing
  }

  known(): LineStanding {
    if (!this.#standing) throw new InvariantFault('this line was never opened')
    return this.#standing
  }

  /** Takes the registry's word on the agent; the first opens the line. An older word changes nothing. */
  enrol(enrolment: Enrolment): void {
    const { version } = this.documents.enrolment ?? { version: -1 }
    if (enrolment.version > version) this.note('terms', `${enrolment.agent}@${enrolment.version}`, enrolment)
  }

  /** Appends an entry that moves totals. */
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

  /** Appends a document, and draws what follows from it. */
  note(
    kind: LineEntry['kind'],
    id: string,
    document: object,
    totals: Totals = this.#standing ?? NOTHING,
  ): void {
    const entry = this.record({ kind, id, body: writeBody(document) }, totals)
    this.documents.add(entry)
    this.#stand(entry)
  }

  /** A charge and all that was made of it since, written or not. */
  story(seq: number): LineEntry[] {
    const unwritten = this.#commits.unwritten.filter((entry) => entry.seq === seq || entry.of === seq)
    return [...this.journal.story(seq), ...unwritten]
  }

  /** Hands over the entries from `first` on, as long as they belong. */
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

  /** Until what was recorded so far is on disk. A rejection means that it never will be. */
  async written(): Promise<void> {
    await this.#commits.pending
  }

  /** Until memory is no longer ahead of the disk. */
  async durable(): Promise<void> {
    await this.#commits.durable()
  }

  /** Unix milliseconds. Entries are in order of time, whatever the clock does (faults: E13). */
  now(): number {
    const now = Date.now()
    return now > this.#at ? now : this.#at
  }

  /** What follows from the totals and the documents together. */
  #stand({ authorized, charged, redeemed, credit }: Totals): void {
    const { enrolment, openedAt, unsettled } = this.documents
    if (!enrolment) throw new InvariantFault('a line begins with its terms')
    const cut = cutOff(unsettled)
    const closed = enrolment.suspended !== null ? 'credit_suspended' : cut && CUT_OFF[cut]
    const limit = limitOf(enrolment.terms, redeemed)
    this.#standing = { authorized, charged, redeemed, credit, enrolment, openedAt, limit, closed }
  }
}
