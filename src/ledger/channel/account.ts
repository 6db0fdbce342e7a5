/** The channel account: one Durable Object per channel, with its totals and journal. */
import { DAY_MS } from '../../platform/time.ts'
import type { ChannelConfig, ChannelState } from '../../protocol/evm/channel.ts'
import { networkOfChannel } from '../../protocol/evm/eip712.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import type { Hold, Screened } from '../../protocol/screening.ts'
import { AccountAlarm } from '../alarm.ts'
import { KIND, listAccount } from '../book/accounts.ts'
import { EntrySales, isSale } from '../figures/entries.ts'
import type { Reported, Unreported } from '../figures/report.ts'
import { Commits } from '../group-commit.ts'
import { OpenedPages } from '../opened-pages.ts'
import { MAX_CHARGES, REPLAY_WINDOW_MS, Replays } from '../replay-window.ts'
import { ScreenedObject } from '../screening.ts'
import { type StoredAnswer, StoredAnswers } from '../stored-answers.ts'
import { authorize, charge, InvariantFault, release } from '../totals.ts'
import { amountLeft, begunBy, chargedAs, chargeOf, EMPTY_ENTRY, openedFor, takenBack } from './answers.ts'
import { Journal, MAX_REFUNDS_PER_DAY, priceOf, voucherOf } from './journal.ts'
import { lacksRefund, observe, unresolvedAfter, unresolvedFrom } from './observe.ts'
import {
  type Fit,
  isEarly,
  judge,
  OrderQueue,
  purpose,
  RETRY_DEADLINE_MS,
  type RetrySlot,
  type Waiting,
} from './queue.ts'
import type { Answer, Charged, ChargeOrder, DepositOrder, Entry, Order, Standing } from './types.ts'

const NOTHING = { charged: 0n, redeemed: 0n, unresolved: null }

/**
 * The source of truth for what one payer authorized, was charged and has paid on one channel.
 *
 * Amounts are atomic units (micro-dollars for USDC). Memory leads storage, but no caller learns of a change
 * before it is on disk. If a write fails, waiting calls reject: the outcome is unknown.
 */
export class Account extends ScreenedObject<{ BOOK: D1Database }> {
  readonly #journal: Journal
  readonly #commits: Commits<Entry>
  readonly #replays: Replays<Entry>
  readonly #answers: StoredAnswers
  readonly #opened: OpenedPages
  readonly #alarm: AccountAlarm
  #standing: Standing | null
  readonly #last: { seq: number; at: number }
  readonly #queue = new OrderQueue<Answer>((waiting) =>
    isEarly(waiting, this.#standing?.charged, Date.now()) ? undefined : this.#try(waiting),
  )
  #expected: RetrySlot = null
  /**
   * Whether this instance began the `unresolved` transaction. False after a restart: other orders then get
   * `channel_busy` at once, and the caller asks the relayer.
   */
  #begunHere = false

  constructor(ctx: DurableObjectState, env: { BOOK: D1Database }) {
    super(ctx, env)
    this.#journal = new Journal(ctx.storage.sql)
    this.#standing = this.#journal.read()
    this.#last = this.#journal.last()
    this.#replays = new Replays(this.#journal.recent(Date.now() - REPLAY_WINDOW_MS, MAX_CHARGES), voucherOf)
    this.#answers = new StoredAnswers(ctx.storage.sql)
    this.#answers.prune(Date.now())
    this.#opened = new OpenedPages(ctx.storage.sql)
    this.#commits = new Commits(ctx, (entries) => {
      this.#journal.write(entries, this.#known())
      this.#opened.write(Date.now())
      if (this.#owes()) this.#alarm.owing()
      if (entries.some(isSale)) this.#alarm.charged()
    })
    this.#alarm = new AccountAlarm(ctx, env.BOOK, {
      kind: KIND.channel,
      id: () => this.#standing?.channelId ?? null,
      sales: new EntrySales(ctx.storage.sql),
      owes: () => this.#owes(),
      list: (relistedAt) => this.#list(relistedAt),
    })
  }

  /** Reports what was charged, and writes the account into the read model again while it owes. Never throws. */
  override alarm(): Promise<void> {
    return this.#alarm.ring()
  }

  /**
   * Charges a request, or begins a deposit or refund, once for each `id`. May wait for its turn (`queue.ts`).
   * @throws when the outcome is unknown: place the same order (same `id`) again
   */
  async place(order: Order): Promise<Answer> {
    await this.screenedBoth(order)
    if (order.kind === 'charge' && order.settled) this.#resolve(order.settled)
    const waiting: Waiting = { order, since: Date.now() }
    const answer = this.#try(waiting)
    if (!answer && this.#queue.isFull) return this.#refuse('channel_busy')
    const given = answer ?? (await this.#queue.wait(waiting))
    if (answer) this.#queue.advance()
    await this.#commits.pending
    return given
  }

  /**
   * Takes back charge number `entry` because the delivery `id` failed. Does nothing if either is unknown. Replays share one charge,
   * which stands until all its deliveries have failed. The part already claimed becomes account balance (`credit`).
   */
  async release(entry: number, id: string): Promise<void> {
    await this.#commits.durable()
    const replays = this.#replays.find(entry) ? this.#replays : new Replays(this.#story(entry), voucherOf)
    const [charged, loweredBy] = [replays.find(entry), replays.loweredBy(entry)]
    const dropped = replays.drop(entry, id)
    if (!charged || !dropped) return
    const [standing, isLast] = [this.#known(), dropped === 'last']
    const totals = isLast ? release(standing, priceOf(charged) - (loweredBy ?? 0n)) : standing
    const amount = isLast ? amountLeft(charged.amount, loweredBy) : 0n
    this.#record({ ...standing, ...totals }, takenBack('release', charged, id, amount))
    if (isLast && charged.request !== null) this.#opened.close(charged.request, String(entry))
    this.#queue.advance()
    await this.#commits.pending
  }

  /**
   * Lowers charge number `entry` to `price`, because the origin asked for less: once, for its first delivery `id`. Returns
   * the charge as it is then, or null for an unknown one.
   */
  async lower(entry: number, id: string, price: bigint): Promise<Charged | null> {
    await this.#commits.durable()
    const charged = this.#replays.find(entry)
    if (!charged) return null
    const by = priceOf(charged) - price
    if (by > 0n && this.#replays.loweredBy(entry) === null && charged.id === id) {
      const standing = this.#known()
      this.#record({ ...standing, ...release(standing, by) }, takenBack('lower', charged, id, by))
      this.#replays.lower(entry, by)
      this.#queue.advance()
      await this.#commits.pending
    }
    return chargedAs('charged', charged, this.#known(), this.#replays.loweredBy(entry))
  }

  /** Stores the answer to charge number `entry`, a method with effects; null only marks the delivery. Idempotent. */
  async delivered(entry: number, answer: StoredAnswer | null): Promise<void> {
    this.ctx.storage.transactionSync(() => this.#answers.put(String(entry), answer, Date.now()))
  }

  /**
   * Opens the account at the chain's `totalClaimed`. On an open account, same as {@link observe}. Does not wait
   * for D1.
   */
  async open(channelId: Hex, config: ChannelConfig, state: ChannelState): Promise<Standing> {
    if (this.#standing) return this.observe(state)
    this.ctx.storage.transactionSync(() => this.#journal.create())
    const claimed = state.totalClaimed
    this.#record(
      {
        channelId,
        config,
        authorized: claimed,
        charged: claimed,
        redeemed: claimed,
        credit: 0n,
        signature: '0x',
        state,
        quarantine: null,
        unresolved: null,
      },
      { kind: 'open', id: channelId },
    )
    this.#alarm.list(null)
    return this.#written()
  }

  /**
   * Writes the account into the read model, unless it is there. Returns the durable state, or null if it was never opened.
   * @throws when D1 cannot be written
   */
  async list(): Promise<Standing | null> {
    await this.#alarm.listed()
    return this.standing()
  }

  /** Reports every charge to D1 now. Returns null if the account was never opened. */
  async report(): Promise<Reported | Unreported | null> {
    await this.#commits.durable()
    return this.#alarm.report()
  }

  /**
   * Applies on-chain state: `totalClaimed` becomes `redeemed`, `balance` the ceiling. Ignores older blocks, unless the operator
   * asks for `anyBlock` because a node has named a block that the chain did not have.
   * @throws InvariantFault if the account was never opened
   */
  async observe(state: ChannelState, transaction: Hex | null = null, anyBlock = false): Promise<Standing> {
    this.#observe(state, transaction, anyBlock)
    this.#queue.advance()
    return this.#written()
  }

  /**
   * Closes the pending deposit or refund `id` and applies `state`; null if it will never be mined. Leaves any other open.
   * @throws InvariantFault if the account was never opened
   */
  async resolve(id: string, state: ChannelState | null, transaction?: Hex): Promise<Standing> {
    this.#resolve({ id, state, transaction: transaction ?? null })
    this.#queue.advance()
    return this.#written()
  }

  /** Keeps the channel out of regular claim batches; null includes it again. Idempotent. */
  async quarantine(reason: string | null): Promise<void> {
    if (!this.#standing || this.#standing.quarantine === reason) return
    this.#record({ ...this.#standing, quarantine: reason }, { kind: 'quarantine', id: reason ?? 'lifted' })
    await this.#commits.pending
  }

  /** As for every object. Undefined: the account was never opened, and nothing is stored. */
  override async screened(decision: Screened): Promise<Hold | null | undefined> {
    return this.#standing ? super.screened(decision) : undefined
  }

  /** Returns the durable account state, or null if the account was never opened. */
  async standing(): Promise<Standing | null> {
    await this.#commits.durable()
    return this.#standing && this.#shown()
  }

  /** Returns what was charged by `moment` (Unix ms) and is not redeemed now. */
  async owedSince(moment: number): Promise<bigint> {
    const { charged, redeemed } = (await this.standing()) ?? NOTHING
    const [then, now] = [this.#journal.owedSince(moment, redeemed), charged - redeemed]
    return then < now ? then : now
  }

  /** Returns the first unclaimed entry that does not follow from the one before it; null for none. */
  async flaw(): Promise<number | null> {
    return this.#journal.flawAbove((await this.standing())?.redeemed ?? 0n)
  }

  /** Returns up to `limit` entries with `seq > after`, oldest first; or with `seq < after` (0: the last), newest first. */
  async entries(after: number, limit: number, isNewestFirst = false): Promise<Entry[]> {
    await this.#commits.durable()
    return this.#journal.entries(after, limit, isNewestFirst)
  }

  #owes(): boolean {
    const { charged, redeemed, unresolved } = this.#standing ?? NOTHING
    return charged > redeemed || unresolved !== null
  }

  async #list(relistedAt: number | null): Promise<void> {
    await this.#commits.durable()
    if (!this.#standing) return
    const { channelId: id, config } = this.#standing
    const [kind, network, openedAt] = [KIND.channel, networkOfChannel(id, config), this.#journal.openedAt()]
    await listAccount(this.env.BOOK, { id, kind, network, ...config, openedAt, relistedAt })
  }

  /** Decides an order now; returns undefined if it must wait for its turn. */
  #try(waiting: Waiting): Answer | undefined {
    const { order } = waiting
    const standing = this.#standing
    if (!standing) return this.#refuse('channel_unknown')
    if (this.held) return this.#refuse('payer_listed')
    if (order.kind !== 'refund') {
      const known = this.#replay(order) ?? openedFor(order, standing, this.#opened)
      if (known?.outcome === 'opened') {
        const id = this.#replays.reopen(known.entry, order.id)
        if (id !== null) this.#record(standing, { kind: 'replay', id, of: known.entry })
      }
      if (known) return known
    }
    if (order.kind !== 'refund' && standing.state.withdrawRequestedAt > 0)
      return this.#refuse('withdrawal_pending')
    const due = order.kind === 'refund' ? standing.charged : standing.charged + order.price
    const fit: Fit = order.max === due ? 'follows' : order.max < due ? 'behind' : 'ahead'
    const onChain = standing.unresolved !== null
    // The order that began the transaction was placed again, because its answer or its request was lost.
    if (standing.unresolved?.id === order.id) return begunBy(order, standing)
    if (onChain && !this.#begunHere) return this.#refuse('channel_busy')
    switch (judge(waiting, fit, this.#expected, onChain, Date.now())) {
      case 'wait':
        return undefined
      case 'busy':
        return this.#refuse('channel_busy')
      case 'correct':
        this.#expected = { request: purpose(order), until: Date.now() + RETRY_DEADLINE_MS }
        return this.#refuse('voucher_stale')
      case 'take':
        return this.#take(order, standing)
    }
  }

  #take(order: Order, standing: Standing): Answer {
    if (order.kind === 'charge') return this.#charge(order, standing)
    const begun = begunBy(order, standing)
    if (begun.outcome !== 'begun') return begun
    const refunds = order.kind === 'refund' ? this.#journal.refundsSince(Date.now() - DAY_MS) : 0
    if (refunds >= MAX_REFUNDS_PER_DAY) return this.#refuse('refund_limit')
    const { id, kind, max, signature } = order
    const signed = max === standing.authorized ? { signature } : {}
    this.#begunHere = true
    this.#record(
      { ...standing, ...signed, unresolved: unresolvedFrom(order, standing, Date.now()) },
      { kind, id, amount: begun.amount, max, signature },
    )
    return { ...begun, standing: this.#known() }
  }

  #charge(order: ChargeOrder, standing: Standing): Answer {
    if (order.max > standing.state.balance) return this.#refuse('over_ceiling')
    const promised = authorize(standing, order.max)
    const { totals, due } = charge(promised, order.price)
    if (totals.charged - totals.redeemed > order.exposure) return this.#refuse('unclaimed_limit')
    const signature = order.max >= standing.authorized ? order.signature : standing.signature
    const entry = this.#record({ ...standing, ...totals, signature }, chargeOf(order, due))
    this.#replays.add(entry)
    if (order.openMs) this.#opened.open(order.request, String(entry.seq), entry.at + order.openMs)
    this.#expected = null
    return chargedAs('charged', entry, this.#known(), null)
  }

  #replay(order: ChargeOrder | DepositOrder): Answer | undefined {
    const id = order.kind === 'deposit' ? (order.delivery ?? order.id) : order.id
    const earlier = this.#replays.match(voucherOf(order), id, Date.now())
    if (!earlier || !this.#standing) return undefined
    const charged = chargedAs('replayed', earlier, this.#standing, this.#replays.loweredBy(earlier.seq))
    if (earlier.id === id) return { ...charged, outcome: 'charged' }
    const answer = order.hasEffects
      ? this.#answers.replay(String(earlier.seq), earlier.at, Date.now())
      : undefined
    if (typeof answer === 'string') return this.#refuse(answer)
    if (this.#replays.use(earlier.seq, id))
      this.#record(this.#standing, { kind: 'replay', id, of: earlier.seq })
    return answer ? { ...charged, answer } : charged
  }

  #observe(state: ChannelState, transaction: Hex | null, anyBlock = false): void {
    const [journal, { unwritten }] = [this.#journal, this.#commits]
    const observed = observe(this.#known(), state, { anyBlock, journal, unwritten, now: Date.now() })
    if (!observed) return
    const { standing, claimed: amount } = observed
    this.#record(standing, { kind: 'chain', id: `block:${state.block}`, amount, transaction })
  }

  #resolve(settled: { id: string; state: ChannelState | null; transaction: Hex | null }): void {
    if (settled.state) this.#observe(settled.state, settled.transaction)
    const standing = this.#known()
    const [{ unresolved, state }, now] = [standing, Date.now()]
    if (unresolved?.id !== settled.id) return
    this.#begunHere = false
    if (settled.state && lacksRefund(unresolved, state, now)) return
    this.#record(
      { ...standing, unresolved: unresolvedAfter(unresolved, state, now) },
      { kind: unresolved.kind, id: settled.id, transaction: settled.transaction },
    )
  }

  /** Returns a charge with its replays and releases, including entries not yet stored. */
  #story(seq: number): Entry[] {
    const unwritten = this.#commits.unwritten.filter((entry) => entry.seq === seq || entry.of === seq)
    return [...this.#journal.story(seq), ...unwritten]
  }

  #refuse(reason: Reason): Answer {
    return { outcome: 'refused', reason, standing: this.#standing }
  }

  #known(): Standing {
    if (!this.#standing) throw new InvariantFault('the channel account must be opened first')
    return this.#standing
  }

  /** Sets the account state and queues an entry. Trap: public methods must await the write before they return. */
  #record(standing: Standing, what: Pick<Entry, 'kind' | 'id'> & Partial<Entry>): Entry {
    const { authorized, charged, redeemed, credit } = standing
    // The clock may go back, and the journal must not (faults: E13).
    Object.assign(this.#last, { seq: this.#last.seq + 1, at: Math.max(Date.now(), this.#last.at) })
    const totals = { authorized, charged, redeemed, credit, ceiling: standing.state.balance }
    const entry: Entry = { ...EMPTY_ENTRY, ...what, ...this.#last, ...totals }
    this.#standing = standing
    this.#commits.add(entry)
    return entry
  }

  async #written(): Promise<Standing> {
    await this.#commits.durable()
    return this.#shown()
  }

  #shown(): Standing {
    return this.held ? { ...this.#known(), hold: this.held } : this.#known()
  }
}
