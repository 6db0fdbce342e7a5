/** Reservations of `exact` authorizations: one Durable Object per payer. */
import { unpadAmount } from '../../protocol/amount.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import { AccountAlarm } from '../alarm.ts'
import { KIND, listAccount } from '../book/accounts.ts'
import type { Reported, Unreported } from '../figures/report.ts'
import { OpenedPages } from '../opened-pages.ts'
import { MAX_DELIVERIES, REPLAY_WINDOW_MS } from '../replay-window.ts'
import { ScreenedObject } from '../screening.ts'
import { DELIVERY_LEASE_MS, type StoredAnswer, StoredAnswers } from '../stored-answers.ts'
import { AuthorizationJournal, type AuthorizationRow } from './journal.ts'
import { PayerRecord } from './payer.ts'
import { NO_TOTALS } from './sales.ts'
import type {
  AuthorizationKey,
  ExactTotals,
  LostPayment,
  ProvisionalPayment,
  RecordedPayment,
  Reservation,
  UnresolvedPayment,
  Use,
} from './types.ts'

/** How long a reservation blocks other requests; longer than a facilitator may take to settle. After that, its request counts as lost. */
export const LEASE_MS = 120_000

/**
 * An authorization must be valid for this long, so that a block can be mined in time (x402 exact EVM
 * §Verification).
 */
const MARGIN_SECONDS = 6n

/** The most unpaid authorizations that requests of one payer hold at once. Further ones get `too_many_at_once` (503). */
export const MAX_HELD = 100

/** The most authorizations of one payer that are refused in {@link REFUSED_MS}. Further ones get `too_many_at_once` (503). */
export const MAX_REFUSED = 100
/** The time over which {@link MAX_REFUSED} counts. */
export const REFUSED_MS = 3_600_000

/** A refused authorization is watched this long after it lapsed, if no nightly run can end its watch before. */
export const WATCH_SECONDS = 7 * 86_400

/**
 * The source of truth for which request an `exact` authorization paid for. One authorization opens one
 * resource.
 *
 * Amounts in atomic units. Every change is durable when its call returns.
 */
export class Authorizations extends ScreenedObject<{ BOOK: D1Database }> {
  readonly #journal = new AuthorizationJournal(this.ctx.storage.sql)
  readonly #answers = new StoredAnswers(this.ctx.storage.sql)
  readonly #opened = new OpenedPages(this.ctx.storage.sql)
  readonly #payer = new PayerRecord(this.ctx.storage.sql)
  readonly #alarm = new AccountAlarm(this.ctx, this.env.BOOK, {
    kind: KIND.exact,
    id: () => this.#payer.read()?.id ?? null,
    sales: this.#journal.sales,
    owes: () => this.#owes(),
    list: (relistedAt) => this.#list(relistedAt),
  })
  #ready = false

  /** Reports payments, and writes the payer into the read model again while a run has something to do for one. Never throws. */
  override alarm(): Promise<void> {
    this.#exists()
    return this.#alarm.ring()
  }

  /**
   * Reserves an authorization for a request, before any byte of the response leaves.
   *
   * If it expires too soon or its value is not `price`, it opens only the resource it was reserved for
   * before. Otherwise it is refused and nothing is stored.
   *
   * Threat: a signature alone must not create storage (faults: H1). With `opens: false`, an unknown payer, and one
   * with a refused payment, gets `unknown_payer` and nothing is stored.
   */
  async take(use: Use, price: bigint = use.amount, opens = true): Promise<Reservation> {
    const late = use.validBefore < BigInt(Math.floor(Date.now() / 1000)) + MARGIN_SECONDS
    const against: Reason | null = late ? 'exact_too_late' : use.amount === price ? null : 'exact_value'
    if (!this.#exists()) {
      if (against) return { outcome: 'refused', reason: against }
      if (!opens) return { outcome: 'unknown_payer', hasPaid: false }
      this.#open(use)
    }
    await this.screenedBoth(use)
    const now = Date.now()
    const paid = against === null ? this.#paidBefore(use, now) : undefined
    if (paid) return { outcome: 'opened', transaction: paid }
    return this.ctx.storage.transactionSync(() =>
      this.#owing(use, now, this.#decide(use, { against, isLate: late, opens }, now)),
    )
  }

  /** Decides about one use. `against`: why it may not be reserved afresh, or null. */
  #decide(
    use: Use,
    { against, isLate, opens }: { against: Reason | null; isLate: boolean; opens: boolean },
    now: number,
  ): Reservation {
    const row = this.#journal.read(use.token, use.nonce)
    // Threat: the payer may sign the same nonce again over less. The price is not checked again, so the
    // amount must match.
    const same = row?.request === use.request && unpadAmount(row.amount) === use.amount
    const doubt = (): Reservation => {
      this.#journal.put(use, 'doubtful', now)
      return { outcome: 'doubtful', isLate }
    }
    if (!row || row.status === 'released') {
      // The money of an earlier request for this resource may have arrived after it was refused.
      if (same && row?.shown && against === 'exact_too_late') return doubt()
      if (against) return { outcome: 'refused', reason: against }
      return this.#reserve(use, opens, now)
    }
    if (!same) return { outcome: 'refused', reason: 'exact_bound' }
    if (row.undone === 'lost') return { outcome: 'refused', reason: 'exact_failed' }
    // Money that was undone is looked for before anything is delivered for it again.
    if (row.status === 'settled' && (row.undone === null || isOver(row, now)))
      return this.#replay(use, row, now)
    if (row.taker === use.id)
      return row.status === 'taken' ? { outcome: 'taken' } : { outcome: 'doubtful', isLate }
    if (row.at > now - LEASE_MS) return { outcome: 'refused', reason: 'exact_in_progress' }
    return doubt()
  }

  /**
   * Renews the lease of request `id` before it settles, and records that others see the signature from now on: a later
   * release is watched until the chain shows the end. Returns false if another request holds the
   * authorization now: do not settle, or one transfer would pay for two deliveries.
   */
  async renew(token: Address, nonce: Hex, id: string): Promise<boolean> {
    return this.#journal.renew(token, nonce, id, Date.now())
  }

  /**
   * Records that the transfer is on chain and that its request delivers now. `answer` is stored for replays of
   * a method with effects; null only marks the delivery. `openMs`: how long the payment keeps its request open. Idempotent.
   */
  async settled(
    token: Address,
    nonce: Hex,
    transaction: Hex,
    answer: StoredAnswer | null = null,
    openMs?: number,
  ): Promise<void> {
    this.#settle(token, nonce, transaction, true, openMs)
    if (answer)
      this.ctx.storage.transactionSync(() => this.#answers.put(keyOf(token, nonce), answer, Date.now()))
  }

  /**
   * Records that the transfer is on chain, and reserves its only delivery for request `id`. Returns false if
   * another request has it: a method with effects must not be carried out twice for one payment.
   */
  async run(token: Address, nonce: Hex, transaction: Hex, id: string): Promise<boolean> {
    this.#settle(token, nonce, transaction, false)
    return this.ctx.storage.transactionSync(() => {
      const row = this.#journal.read(token, nonce)
      if (!row?.undelivered || (row.runner !== null && row.runner !== id)) return false
      if (row.runner === null) this.#journal.run(token, nonce, id, Date.now())
      return true
    })
  }

  /** Takes back the delivery of request `id`, because the origin failed. The payment opens the same request again. */
  async undeliver(token: Address, nonce: Hex, id: string): Promise<void> {
    this.#journal.undeliver(token, nonce, id)
  }

  /**
   * Records that the transfer of an unresolved payment is on chain, but undelivered: a response leaves only
   * after {@link settled}. The payer gets the resource when they repeat the request. Idempotent.
   */
  async found(token: Address, nonce: Hex, transaction: Hex): Promise<void> {
    this.#settle(token, nonce, transaction, false)
  }

  /**
   * Releases the reservation of request `id`, because no transfer happened. The payer may use it again. If anybody else may
   * have its signature, {@link doubts} goes on listing it: the money may arrive later (faults: I9).
   */
  async release(token: Address, nonce: Hex, id: string): Promise<void> {
    this.#journal.forget(token, nonce, id)
    this.#journal.mark('released', token, nonce, id)
  }

  /**
   * Marks the payment of request `id` as unresolved. From now on only the same resource may be requested with
   * it.
   */
  async doubt(token: Address, nonce: Hex, id: string): Promise<void> {
    this.#journal.mark('doubtful', token, nonce, id)
  }

  /**
   * Ends the reservation that request `id` held last, because the chain shows in a final block that no transfer happened or
   * will. A payment that had been settled is lost, and opens nothing any more.
   */
  async close(token: Address, nonce: Hex, id: string): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      const row = this.#journal.read(token, nonce)
      if (!this.#journal.close(token, nonce, id, Date.now())) return
      this.#alarm.charged()
      if (!row) return
      this.#opened.close(row.request, keyOf(token, nonce))
      // An earlier version named a page's payment by its transaction.
      this.#opened.close(row.request, String(row.tx))
      this.#opened.write(Date.now())
    })
  }

  /** Returns up to `limit` provisional payments, the oldest first. */
  async provisional(limit: number): Promise<ProvisionalPayment[]> {
    return this.#exists() ? this.#journal.sales.provisional(limit) : []
  }

  /**
   * Makes the provisional payments up to `last` final, or all of them without it. Those in `undone` are looked for from now on,
   * because the chain lacks their transfer. Idempotent.
   */
  async confirm(last: AuthorizationKey | null, undone: readonly AuthorizationKey[] = []): Promise<void> {
    if (!this.#exists()) return
    this.ctx.storage.transactionSync(() => {
      for (const each of undone) this.#journal.sales.undo(each)
      this.#journal.sales.confirm(last)
    })
  }

  /** Records that a final block has the transfer of a payment that was undone. Idempotent. */
  async restored(token: Address, nonce: Hex): Promise<void> {
    if (this.#exists()) this.#journal.sales.restore({ token, nonce })
  }

  /** Returns the lost payments that no run has named, the oldest first. Each run gets them, until {@link named}. */
  async losses(): Promise<LostPayment[]> {
    return this.#exists() ? this.#journal.sales.losses() : []
  }

  /** Records that a run has stored its findings of the lost payments up to `number`. Idempotent. */
  async named(number: number): Promise<void> {
    if (this.#exists()) this.#journal.sales.named(number)
  }

  /** Returns the payer's totals; zeros for an unknown payer. */
  async totals(): Promise<ExactTotals> {
    if (!this.#exists()) return NO_TOTALS
    return { ...this.#journal.totals(), ...this.#journal.open() }
  }

  /**
   * Returns up to `limit` unresolved or watched payments that no request holds, by `validBefore`, the earliest first.
   */
  async doubts(limit: number): Promise<UnresolvedPayment[]> {
    return this.#exists() ? this.#journal.doubts(Date.now() - LEASE_MS, limit) : []
  }

  /** Returns one authorization, or null if it was never reserved. */
  async use(token: Address, nonce: Hex): Promise<RecordedPayment | null> {
    return this.#exists() ? this.#journal.use(token, nonce) : null
  }

  /**
   * Writes the payer into the read model, unless it is there. Returns its name, or null for an unknown payer.
   * @throws when D1 cannot be written
   */
  async list(): Promise<string | null> {
    await this.#alarm.listed()
    return this.#payer.read()?.id ?? null
  }

  /** Reports every settled payment to D1 now. Returns null for an unknown payer. */
  async report(): Promise<Reported | Unreported | null> {
    return this.#exists() ? this.#alarm.report() : null
  }

  /** Returns up to `limit` authorizations with `id > after` (`''` for the first page), in order of id. */
  async uses(after: string, limit: number): Promise<RecordedPayment[]> {
    return this.#exists() ? this.#journal.uses(after, limit) : []
  }

  /** Lists a new payer in the read model, without waiting for D1. */
  #open(use: Use): void {
    this.#create()
    this.ctx.storage.transactionSync(() => this.#payer.note(use, Date.now()))
    this.#alarm.list(null)
  }

  /** Sets the alarm in the transaction of a reservation, whose outcome a run may have to find. */
  #owing(use: Use, now: number, reservation: Reservation): Reservation {
    if (reservation.outcome !== 'taken' && reservation.outcome !== 'doubtful') return reservation
    this.#payer.note(use, now)
    this.#alarm.owing()
    return reservation
  }

  /** Whether a payment is unresolved, undelivered, watched or not final, and the payer is stored. */
  #owes(): boolean {
    return this.#exists() && this.#payer.read() !== null && this.#journal.isOpen()
  }

  async #list(relistedAt: number | null): Promise<void> {
    const payer = this.#payer.read()
    if (!payer) return
    const network = payer.id.slice(0, -payer.payer.length - 1)
    await listAccount(this.env.BOOK, { ...payer, kind: KIND.exact, network, relistedAt })
  }

  /** Whether the payer has reserved anything before. Migrates the tables of an earlier version. */
  #exists(): boolean {
    if (this.#ready) return true
    if (this.#journal.state() === 'none') return false
    this.#create()
    this.#answers.prune(Date.now())
    return true
  }

  /** Reserves an authorization that was not reserved before, or was refused, within the limits of its payer. */
  #reserve(use: Use, opens: boolean, now: number): Reservation {
    this.#journal.prune(Math.floor(now / 1000) - WATCH_SECONDS)
    const { held, refused, refusedLately } = this.#journal.unpaid(now - LEASE_MS, now - REFUSED_MS)
    if (held >= MAX_HELD || refusedLately >= MAX_REFUSED)
      return { outcome: 'refused', reason: 'too_many_at_once' }
    if (refused > 0 && !opens)
      return { outcome: 'unknown_payer', hasPaid: this.#journal.totals().payments > 0 }
    this.#journal.put(use, 'taken', now)
    return { outcome: 'taken' }
  }

  /** Decides about an authorization that has paid for this very request. */
  #replay(use: Use, row: AuthorizationRow, now: number): Reservation {
    const { token, nonce } = use
    const delivered = !row.undelivered
    const used = { outcome: 'refused', reason: 'exact_used' } as const
    if (!row.tx || isOver(row, now)) return used
    const replayed = { outcome: 'replayed', transaction: row.tx } as const
    if (row.deliveries >= MAX_DELIVERIES)
      return delivered ? used : { outcome: 'refused', reason: 'too_many_at_once' }
    if (!use.hasEffects || delivered) this.#journal.count(token, nonce)
    if (!use.hasEffects) return replayed
    if (delivered) {
      const answer = this.#answers.find(keyOf(token, nonce))
      return answer ? { ...replayed, answer } : { outcome: 'refused', reason: 'effect_delivered' }
    }
    if (row.runner === null || row.runner === use.id) return replayed
    const isRunning = row.at > now - DELIVERY_LEASE_MS
    return { outcome: 'refused', reason: isRunning ? 'effect_running' : 'effect_unknown' }
  }

  #create(): void {
    this.ctx.storage.transactionSync(() => this.#journal.create())
    this.#ready = true
  }

  #settle(token: Address, nonce: Hex, transaction: Hex, delivers: boolean, openMs?: number): void {
    if (!this.#exists()) return
    const now = Date.now()
    this.ctx.storage.transactionSync(() => {
      if (this.#journal.settle(token, nonce, transaction, delivers, now)) this.#alarm.charged()
      const row = openMs === undefined ? undefined : this.#journal.read(token, nonce)
      if (!row || openMs === undefined) return
      this.#opened.open(row.request, keyOf(token, nonce), now + openMs)
      this.#opened.write(now)
    })
  }

  /**
   * The transaction that opened the page of a use; undefined while the chain lacks it. Threat: the chain publishes settled
   * authorizations, so only one that is unknown here shows that the payer is asking.
   */
  #paidBefore({ token, nonce, opened }: Use, now: number): Hex | undefined {
    if (!opened || this.#journal.read(token, nonce)) return undefined
    const charge = this.#opened.find(opened, now)
    // A page that an earlier version opened has the transaction itself.
    if (!charge?.includes(':')) return charge as Hex | undefined
    const row = this.#journal.read(...(charge.split(':') as [Address, Hex]))
    return row?.undone === null ? (row.tx as Hex) : undefined
  }
}

/** Whether a payment was delivered, and opens its request no longer. */
function isOver({ undelivered, at }: AuthorizationRow, now: number): boolean {
  return undelivered === 0 && at <= now - REPLAY_WINDOW_MS
}

/** The name of an authorization among the stored answers. */
function keyOf(token: Address, nonce: Hex): string {
  return `${token}:${nonce}`
}
