/** The credit line: one Durable Object per agent, with its totals, journal and invoices. */
import { DurableObject } from 'cloudflare:workers'
import { AccountAlarm } from '../alarm.ts'
import { Billing } from '../billing/billing.ts'
import type {
  CreditNote,
  Draft,
  DunningTerms,
  Invoice,
  NoteDraft,
  Overpayment,
  PaymentFailed,
  PaymentReceived,
  PaymentReversed,
  Period,
  Presented,
} from '../billing/types.ts'
import { KIND } from '../book/accounts.ts'
import { listLines } from '../book/credit.ts'
import { EntrySales } from '../figures/entries.ts'
import type { Reported, Unreported } from '../figures/report.ts'
import { OpenedPages } from '../opened-pages.ts'
import { MAX_CHARGES, REPLAY_WINDOW_MS, Replays } from '../replay-window.ts'
import { type StoredAnswer, StoredAnswers } from '../stored-answers.ts'
import { authorize, charge, delivered, release } from '../totals.ts'
import type { BillingCalls, NumberedNote, ReleasedNote } from './contract.ts'
import { CORRECTING_NOTES } from './journal.ts'
import { Used } from './nonce-window.ts'
import { LineRecord } from './state.ts'
import type { Enrolment } from './terms.ts'
import type { CommitmentOrder, LineAnswer, LineEntry, LineStanding, Remembered } from './types.ts'
import { stepOf, Volume } from './volume.ts'

/**
 * The source of truth for what one agent promised, was charged and has paid on credit.
 *
 * Amounts are micro-dollars. Memory leads storage, but no caller learns of a change before it is on disk. If
 * a write fails, waiting calls reject: the outcome is unknown. The calls of a billing run are documented in
 * `contract.ts`.
 */
export class CreditLine extends DurableObject<{ BOOK: D1Database }> implements BillingCalls {
  readonly #record: LineRecord
  readonly #billing: Billing
  readonly #replays: Replays<Remembered>
  readonly #answers: StoredAnswers
  readonly #opened: OpenedPages
  readonly #volume: Volume
  readonly #used = new Used()
  readonly #alarm: AccountAlarm

  constructor(ctx: DurableObjectState, env: { BOOK: D1Database }) {
    super(ctx, env)
    this.#opened = new OpenedPages(ctx.storage.sql)
    this.#volume = new Volume(ctx.storage.sql)
    this.#record = new LineRecord(ctx, ({ hasCharge, hasSale }) => {
      if (hasCharge) this.#alarm.owing()
      if (hasSale) this.#alarm.charged()
      this.#opened.write(Date.now())
      this.#volume.write()
    })
    this.#billing = new Billing(this.#record)
    this.#answers = new StoredAnswers(ctx.storage.sql)
    this.#answers.prune(Date.now())
    const since = Date.now() - REPLAY_WINDOW_MS
    const { journal } = this.#record
    this.#replays = new Replays(journal.recent(since, MAX_CHARGES), commitmentOf)
    for (const { once, at, ...use } of journal.uses(since)) this.#used.note(once, use, at)
    this.#alarm = new AccountAlarm(ctx, env.BOOK, {
      kind: KIND.credit,
      id: () => this.#record.standing?.enrolment.agent ?? null,
      sales: new EntrySales(ctx.storage.sql, CORRECTING_NOTES),
      owes: () => this.#record.standing !== null && this.#billing.isOpen(),
      list: (relistedAt) => this.#list(relistedAt),
    })
  }

  /** Reports what was charged, and writes the line into the read model again while a run has something to bill. Never throws. */
  override alarm(): Promise<void> {
    return this.#alarm.ring()
  }

  /**
   * Charges a commitment. Returns expected failures as `refused`. Repeating an order never charges twice.
   * @throws when the outcome is unknown: place the same order (same `id`) again
   */
  async place(order: CommitmentOrder): Promise<LineAnswer> {
    this.#enrol(order.enrolment)
    const answer = this.#place(order)
    await this.#record.written()
    return answer
  }

  /**
   * Takes back charge number `entry` because the delivery `id` failed. Does nothing if either is unknown.
   *
   * Replays share one charge, which stands until all its deliveries have failed. A part that a credit note
   * has already returned is not returned again.
   */
  async release(entry: number, id: string): Promise<void> {
    await this.#record.durable()
    const replays = this.#replaysOf(entry)
    const [charged, loweredBy] = [replays.find(entry), replays.loweredBy(entry)]
    const dropped = replays.drop(entry, id)
    if (!charged || !dropped) return
    const { site, rule, policy, who, request } = charged
    if (dropped === 'last' && request !== null) this.#opened.close(request, String(entry))
    if (dropped === 'last') this.#volume.release(`${site} ${rule}`, charged.at, this.#record.now())
    const known = this.#record.known()
    const left = delivered(known)
    const price = charged.amount - (loweredBy ?? 0n)
    const taken = price < left ? price : left
    const amount = dropped === 'last' ? taken : 0n
    const what = { kind: 'release', id, amount, of: entry, site, rule, policy, who, request } as const
    this.#record.record(what, release(known, amount))
    await this.#record.written()
  }

  /**
   * Lowers charge number `entry` to `price`, because the origin asked for less: once, for its first delivery `id`. Returns
   * the amount that the charge has then, or null for an unknown one.
   */
  async lower(entry: number, id: string, price: bigint): Promise<bigint | null> {
    await this.#record.durable()
    const charged = this.#replays.find(entry)
    if (!charged) return null
    const [asked, left] = [charged.amount - price, delivered(this.#record.known())]
    const by = asked < left ? asked : left
    if (by > 0n && this.#replays.loweredBy(entry) === null && charged.id === id) {
      const { site, rule, policy, who, request } = charged
      const what = { kind: 'lower', id, amount: by, of: entry, site, rule, policy, who, request } as const
      this.#record.record(what, release(this.#record.known(), by))
      this.#replays.lower(entry, by)
      await this.#record.written()
    }
    return charged.amount - (this.#replays.loweredBy(entry) ?? 0n)
  }

  /** Stores the answer to charge number `entry`, a method with effects; null only marks the delivery. Idempotent. */
  async delivered(entry: number, answer: StoredAnswer | null): Promise<void> {
    this.ctx.storage.transactionSync(() => this.#answers.put(String(entry), answer, this.#record.now()))
  }

  /** Opens the line, or applies a newer version of its agent. Ignores an older version. Does not wait for D1. */
  async configure(enrolment: Enrolment): Promise<LineStanding> {
    this.#enrol(enrolment)
    await this.#record.durable()
    return this.#record.known()
  }

  /** Returns the durable state of the line, or null if it was never opened. */
  async standing(): Promise<LineStanding | null> {
    await this.#record.durable()
    return this.#record.standing
  }

  /**
   * Returns up to `limit` journal entries with `seq > after`, oldest first. `isNewestFirst`: those with `seq < after`, or the
   * last ones after 0, in the other order.
   */
  async entries(after: number, limit: number, isNewestFirst = false): Promise<LineEntry[]> {
    await this.#record.durable()
    return this.#record.journal.entries(after, limit, isNewestFirst)
  }

  /**
   * Writes the line into the read model, unless it is there. Returns the durable state, or null if the line was
   * never opened.
   * @throws when D1 cannot be written
   */
  async list(): Promise<LineStanding | null> {
    await this.#alarm.listed()
    return this.standing()
  }

  /** Reports every charge to D1 now. Returns null if the line was never opened. */
  async report(): Promise<Reported | Unreported | null> {
    await this.#record.durable()
    return this.#alarm.report()
  }

  #enrol(enrolment: Enrolment): void {
    const isNew = this.#record.standing === null
    this.#record.enrol(enrolment)
    if (isNew) this.#alarm.list(null)
  }

  async #list(relistedAt: number | null): Promise<void> {
    await this.#record.durable()
    if (!this.#record.standing) return
    const { enrolment, openedAt } = this.#record.standing
    const { agent: id, name } = enrolment
    await listLines(this.env.BOOK, [{ id, name, openedAt, relistedAt }])
  }

  #place(order: CommitmentOrder): LineAnswer {
    const standing = this.#record.known()
    const used = this.#used.find(order.once)
    const charged = used && this.#replaysOf(used.seq).find(used.seq)
    // If the delivery of a commitment failed, its charge was released, and it may be charged again.
    if (charged) return this.#repeat(order, charged)
    if (standing.closed) return { outcome: 'refused', reason: standing.closed }
    const now = this.#record.now()
    const opened = order.opened && this.#opened.find(order.opened, now)
    if (opened) return this.#reopen(Number(opened), order.id, now)
    const volume = `${order.site} ${order.rule}`
    const step = order.steps && stepOf(order.steps, this.#volume.pages(volume, now) + 1)
    const promised = authorize(standing, standing.authorized + order.promised)
    const { totals } = charge(promised, step?.price ?? order.price)
    if (totals.charged - totals.redeemed > standing.limit) {
      return { outcome: 'refused', reason: 'credit_exhausted' }
    }
    const { id, once, iou, request, site, policy = null, who = null } = order
    const amount = step?.price ?? order.price
    const rule = step ? `${order.rule} step ${step.from}` : order.rule
    const attempt = used ? used.attempt + 1 : 0
    const body = JSON.stringify(order.evidence)
    const what = {
      kind: 'charge',
      id,
      amount,
      once,
      attempt,
      iou,
      request,
      site,
      rule,
      policy,
      who,
      body,
    } as const
    const { body: _, ...entry } = this.#record.record(what, totals)
    this.#replays.add(entry)
    this.#used.note(once, { seq: entry.seq, attempt }, entry.at)
    if (order.steps) this.#volume.add(volume, entry.at)
    if (order.openMs) this.#opened.open(request, String(entry.seq), entry.at + order.openMs)
    return this.#answer('charged', entry)
  }

  #reopen(entry: number, order: string, now: number): LineAnswer {
    const id = this.#replays.reopen(entry, order)
    if (id !== null) this.#record.record({ kind: 'replay', id, of: entry }, this.#record.known())
    return { outcome: 'opened', entry, due: 0n, at: now }
  }

  /**
   * Handles a used commitment: inside the replay window it reopens the resource it paid for, and no other.
   */
  #repeat(order: CommitmentOrder, used: Remembered): LineAnswer {
    const replays = this.#replaysOf(used.seq)
    const same = used.iou === order.iou && used.request === order.request
    if (!same || !replays.match(order.once, order.id, this.#record.now())) {
      return { outcome: 'refused', reason: 'commitment_replayed' }
    }
    const loweredBy = replays.loweredBy(used.seq)
    if (used.id === order.id) return this.#answer('charged', used, loweredBy)
    const answer = order.hasEffects
      ? this.#answers.replay(String(used.seq), used.at, this.#record.now())
      : undefined
    if (typeof answer === 'string') return { outcome: 'refused', reason: answer }
    if (replays.use(used.seq, order.id))
      this.#record.record({ kind: 'replay', id: order.id, of: used.seq }, this.#record.known())
    const replayed = this.#answer('replayed', used, loweredBy)
    return answer ? { ...replayed, answer } : replayed
  }

  #answer(
    outcome: 'charged' | 'replayed',
    { seq: entry, amount, at }: Remembered,
    loweredBy: bigint | null = null,
  ) {
    return { outcome, entry, due: amount - (loweredBy ?? 0n), at }
  }

  /** Returns the replays of a charge: from memory if it is recent, else rebuilt from the journal. */
  #replaysOf(seq: number): Replays<Remembered> {
    return this.#replays.find(seq)
      ? this.#replays
      : new Replays<Remembered>(this.#record.story(seq), commitmentOf)
  }

  // The calls of `contract.ts`. An RPC stub reaches only methods of the class itself, so each one delegates.

  bill() {
    return this.#billing.bill()
  }

  news(after: number) {
    return this.#billing.news(after)
  }

  close(period: Period) {
    return this.#billing.close(period)
  }

  draft(draft: Draft) {
    return this.#billing.draft(draft)
  }

  invoiced(invoice: Invoice) {
    return this.#billing.invoiced(invoice)
  }

  presented(invoice: string, presented: Presented) {
    return this.#billing.presented(invoice, presented)
  }

  draftNote(draft: NoteDraft) {
    return this.#billing.draftNote(draft)
  }

  draftReleased(note: ReleasedNote) {
    return this.#billing.draftReleased(note)
  }

  credited(note: NumberedNote | CreditNote) {
    return this.#billing.credited(note)
  }

  paid(payment: PaymentReceived) {
    return this.#billing.paid(payment)
  }

  reversed(reversal: PaymentReversed) {
    return this.#billing.reversed(reversal)
  }

  failed(failure: PaymentFailed) {
    return this.#billing.failed(failure)
  }

  attempt(invoice: string, id: string, detail: string) {
    return this.#billing.attempt(invoice, id, detail)
  }

  refuse(invoice: string, id: string) {
    return this.#billing.refuse(invoice, id)
  }

  abandon(invoice: string, id: string) {
    return this.#billing.abandon(invoice, id)
  }

  attempts() {
    return this.#billing.attempts()
  }

  dun(now: number, terms: DunningTerms) {
    return this.#billing.dun(now, terms)
  }

  notified(ids: string[]) {
    return this.#billing.notified(ids)
  }

  named(overpaid: Overpayment[]) {
    return this.#billing.named(overpaid)
  }

  statement(period: string) {
    return this.#billing.statement(period)
  }

  statements() {
    return this.#billing.statements()
  }

  invoice(id: string) {
    return this.#billing.invoice(id)
  }

  invoices() {
    return this.#billing.invoices()
  }

  history(invoice: string) {
    return this.#billing.history(invoice)
  }

  proof(seq: number) {
    return this.#billing.proof(seq)
  }
}

function commitmentOf({ once }: Remembered): string {
  return String(once)
}
