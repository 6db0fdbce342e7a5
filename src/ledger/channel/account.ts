/** The Account: one Durable Object per channel, the truth of what its payer authorized, was charged and has paid. */
import { DurableObject } from 'cloudflare:workers'
import type { ChannelConfig, ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import { listChannel } from '../book/accounts.ts'
import { Commits } from '../group-commit.ts'
import { MOST_CHARGES, REPLAY_WINDOW, Replays } from '../replay-window.ts'
import { authorize, charge, delivered, InvariantFault, redeem, release } from '../totals.ts'
import { Journal } from './journal.ts'
import { type Expected, type Fit, judge, PATIENCE, purpose, QUEUE, RETURN, type Waiting } from './queue.ts'
import type { Answer, Charged, ChargeOrder, DepositOrder, Entry, Order, Standing } from './types.ts'

type Queued = Waiting & { resolve: (answer: Answer) => void }

export class Account extends DurableObject<{ BOOK: D1Database }> {
  readonly #journal: Journal
  readonly #commits: Commits<Entry>
  readonly #replays: Replays<Entry>
  #standing: Standing | null
  #seq: number
  #queue: Queued[] = []
  #expected: Expected = null
  /** Whether the transaction that `standing.unresolved` names was begun by a request this instance still remembers. */
  #begunHere = false
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(ctx: DurableObjectState, env: { BOOK: D1Database }) {
    super(ctx, env)
    this.#journal = new Journal(ctx.storage.sql)
    this.#standing = this.#journal.read()
    this.#seq = this.#journal.lastSeq()
    this.#replays = new Replays(this.#journal.recent(Date.now() - REPLAY_WINDOW, MOST_CHARGES), voucherOf)
    this.#commits = new Commits(ctx, (entries) => this.#journal.write(entries, this.#known()))
  }

  /**
   * Charges, begins a deposit, or begins a refund. The answer is durable when it arrives. A rejection means that the outcome is
   * unknown: place the same order (same `id`) again.
   */
  async place(order: Order): Promise<Answer> {
    if (order.kind === 'charge' && order.settled) this.#resolve(order.settled)
    const waiting: Waiting = { order, since: Date.now() }
    const answer = this.#try(waiting)
    if (!answer && this.#queue.length >= QUEUE) return this.#refuse('channel_busy')
    const given = answer ?? (await new Promise<Answer>((resolve) => this.#wait({ ...waiting, resolve })))
    if (answer) this.#advance()
    await this.#commits.pending
    return given
  }

  /** Takes back the charge `entry` for the delivery `id`; a charge that opened several deliveries stands until all failed. */
  async release(entry: number, id: string): Promise<void> {
    await this.#commits.durable()
    const replays = this.#replays.find(entry) ? this.#replays : new Replays(this.#story(entry), voucherOf)
    const charged = replays.find(entry)
    const dropped = replays.drop(entry, id)
    if (!charged || !dropped) return
    const standing = this.#known()
    const totals = dropped === 'last' ? release(standing, priceOf(charged)) : standing
    const amount = dropped === 'last' ? charged.amount : 0n
    const { max, request } = charged
    this.#record({ ...standing, ...totals }, { kind: 'release', id, amount, of: entry, max, request })
    this.#advance()
    await this.#commits.pending
  }

  /** Opens the account on a channel the chain vouches for. Listed in the book first, so that the nightly run finds it. */
  async open(channelId: Hex, config: ChannelConfig, state: ChannelState): Promise<Standing> {
    if (this.#standing) return this.observe(state)
    await listChannel(this.env.BOOK, channelId, config)
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
    return this.#written()
  }

  /** Takes the chain's word: what is claimed is redeemed, the balance is the ceiling. Word of an older block changes nothing. */
  async observe(state: ChannelState, transaction?: Hex): Promise<Standing> {
    this.#observe(state, transaction ?? null)
    this.#advance()
    return this.#written()
  }

  /** Closes the deposit or refund `id`: it is mined (`state` says what came of it) or it will never be (`state` is null). */
  async resolve(id: string, state: ChannelState | null, transaction?: Hex): Promise<Standing> {
    this.#resolve({ id, state, transaction: transaction ?? null })
    this.#advance()
    return this.#written()
  }

  /** Sets this row aside from the claim batches, or (with null) takes it back in. */
  async quarantine(reason: string | null): Promise<void> {
    if (!this.#standing || this.#standing.quarantine === reason) return
    this.#record({ ...this.#standing, quarantine: reason }, { kind: 'quarantine', id: reason ?? 'lifted' })
    await this.#commits.pending
  }

  /** What the account knows, or null if it was never opened. */
  async standing(): Promise<Standing | null> {
    await this.#commits.durable()
    return this.#standing
  }

  /** The journal after entry `after`, oldest first, at most `limit` entries. */
  async entries(after: number, limit: number): Promise<Entry[]> {
    await this.#commits.durable()
    return this.#journal.entries(after, limit)
  }

  /** Answers an order whose turn it is; undefined lets it wait. */
  #try(waiting: Waiting): Answer | undefined {
    const { order } = waiting
    const standing = this.#standing
    if (!standing) return this.#refuse('channel_unknown')
    if (order.kind !== 'refund') {
      const replay = this.#replay(order)
      if (replay) return replay
    }
    if (order.kind !== 'refund' && standing.state.withdrawRequestedAt > 0)
      return this.#refuse('withdrawal_pending')
    const due = order.kind === 'refund' ? standing.charged : standing.charged + order.price
    const fit: Fit = order.max === due ? 'follows' : order.max < due ? 'behind' : 'ahead'
    const onChain = standing.unresolved !== null
    // The order that began it, placed again: its answer was lost, or its request was.
    if (standing.unresolved?.id === order.id) return this.#begun(order, standing)
    if (onChain && !this.#begunHere) return this.#refuse('channel_busy')
    switch (judge(waiting, fit, this.#expected, onChain, Date.now())) {
      case 'wait':
        return undefined
      case 'busy':
        return this.#refuse('channel_busy')
      case 'correct':
        this.#expected = { request: purpose(order), until: Date.now() + RETURN }
        return this.#refuse('voucher_stale')
      case 'take':
        return this.#take(order, standing)
    }
  }

  #take(order: Order, standing: Standing): Answer {
    if (order.kind === 'charge') return this.#charge(order, standing)
    const begun = this.#begun(order, standing)
    if (begun.outcome !== 'begun') return begun
    const { id, kind, max, signature } = order
    const signed = max === standing.authorized ? { signature } : {}
    this.#begunHere = true
    this.#record(
      { ...standing, ...signed, unresolved: { kind, id, since: Date.now() } },
      { kind, id, amount: begun.amount, max, signature },
    )
    return { ...begun, standing: this.#known() }
  }

  #begun(order: Order, standing: Standing): Answer {
    if (order.kind !== 'refund') return { outcome: 'begun', amount: 0n, standing }
    const left = standing.state.balance - standing.charged
    const amount = order.amount ?? left
    if (left <= 0n) return this.#refuse('refund_empty')
    if (amount <= 0n || amount > left) return this.#refuse('refund_amount')
    return { outcome: 'begun', amount, standing }
  }

  #charge(order: ChargeOrder, standing: Standing): Answer {
    if (order.max > standing.state.balance) return this.#refuse('over_ceiling')
    const promised = authorize(standing, order.max)
    const { totals, due } = charge(promised, order.price)
    if (totals.charged - totals.redeemed > order.exposure) return this.#refuse('unclaimed_limit')
    const signature = order.max >= standing.authorized ? order.signature : standing.signature
    const entry = this.#record(
      { ...standing, ...totals, signature },
      {
        kind: 'charge',
        id: order.id,
        amount: due,
        max: order.max,
        signature: order.signature,
        request: order.request,
        transaction: order.settled?.transaction ?? null,
      },
    )
    this.#replays.add(entry)
    this.#expected = null
    return this.#charged('charged', entry)
  }

  #replay(order: ChargeOrder | DepositOrder): Answer | undefined {
    const earlier = this.#replays.match(voucherOf(order), order.id, Date.now())
    if (!earlier || !this.#standing) return undefined
    const answer = this.#charged('replayed', earlier)
    if (earlier.id === order.id) return { ...answer, outcome: 'charged' }
    this.#replays.use(earlier.seq, order.id)
    this.#record(this.#standing, { kind: 'replay', id: order.id, of: earlier.seq })
    return answer
  }

  #charged(outcome: Charged['outcome'], entry: Entry): Charged {
    const { seq, amount: due, charged, transaction } = entry
    return { outcome, entry: seq, due, charged, state: this.#known().state, transaction }
  }

  #observe(state: ChannelState, transaction: Hex | null): void {
    const known = this.#known()
    if (state.block < known.state.block) return
    const standing = state.totalClaimed < known.redeemed ? this.#promised(known) : known
    const totals = redeem(standing, state.totalClaimed)
    const same =
      totals.redeemed === standing.redeemed &&
      state.balance === standing.state.balance &&
      state.withdrawRequestedAt === standing.state.withdrawRequestedAt &&
      state.withdrawAmount === standing.state.withdrawAmount &&
      state.refundNonce === standing.state.refundNonce
    if (same) return
    const amount = totals.redeemed > standing.redeemed ? totals.redeemed - standing.redeemed : 0n
    // A voucher that only the chain has seen: the signature known here is of a lower one.
    const signature = totals.authorized > standing.authorized ? '0x' : standing.signature
    this.#record(
      { ...standing, ...totals, signature, state },
      { kind: 'chain', id: `block:${state.block}`, amount, transaction },
    )
  }

  /** What only the chain had seen and takes back (a reorganisation, a node that lied) was no promise: the last voucher stands. */
  #promised(standing: Standing): Standing {
    if (standing.signature !== '0x') return standing
    const voucher = this.#journal.voucher()
    const least = delivered(standing)
    return voucher && voucher.max >= least
      ? { ...standing, authorized: voucher.max, signature: voucher.signature }
      : { ...standing, authorized: least }
  }

  #resolve(settled: { id: string; state: ChannelState | null; transaction: Hex | null }): void {
    if (settled.state) this.#observe(settled.state, settled.transaction)
    const standing = this.#known()
    if (standing.unresolved?.id !== settled.id) return
    this.#begunHere = false
    this.#record(
      { ...standing, unresolved: null },
      { kind: standing.unresolved.kind, id: settled.id, transaction: settled.transaction },
    )
  }

  /** A charge and all that was made of it since, written or not. */
  #story(seq: number): Entry[] {
    const unwritten = this.#commits.unwritten.filter((entry) => entry.seq === seq || entry.of === seq)
    return [...this.#journal.story(seq), ...unwritten]
  }

  #refuse(reason: Reason): Answer {
    return { outcome: 'refused', reason, standing: this.#standing }
  }

  #known(): Standing {
    if (!this.#standing) throw new InvariantFault('this account was never opened')
    return this.#standing
  }

  #wait(queued: Queued): void {
    this.#queue.push(queued)
    this.#arm()
  }

  /** Gives every waiting order its turn, oldest first, until none can go on. */
  #advance(): void {
    for (let i = 0; i < this.#queue.length; i++) {
      const queued = this.#queue[i]
      const answer = queued && !this.#isEarly(queued) && this.#try(queued)
      if (!answer) continue
      this.#queue.splice(i, 1)
      queued.resolve(answer)
      i = -1
    }
    this.#arm()
  }

  /** Whether an order still waits for others. Most do, and all of them are looked at after each charge: so nothing more is. */
  #isEarly({ order, since }: Queued): boolean {
    if (order.kind !== 'charge' || !this.#standing || Date.now() - since >= PATIENCE) return false
    return order.max > this.#standing.charged + order.price
  }

  #arm(): void {
    if (this.#timer !== null || this.#queue.length === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#advance()
    }, PATIENCE / 8)
  }

  /** Sets the standing and appends an entry. Memory leads; {@link place} and the others answer only once it is written. */
  #record(standing: Standing, what: Pick<Entry, 'kind' | 'id'> & Partial<Entry>): Entry {
    const { authorized, charged, redeemed, credit } = standing
    const entry: Entry = {
      amount: 0n,
      max: null,
      signature: null,
      request: null,
      transaction: null,
      of: null,
      ...what,
      seq: ++this.#seq,
      at: Date.now(),
      authorized,
      charged,
      redeemed,
      credit,
      ceiling: standing.state.balance,
    }
    this.#standing = standing
    this.#commits.add(entry)
    return entry
  }

  async #written(): Promise<Standing> {
    await this.#commits.durable()
    return this.#known()
  }
}

/** What a charge was for: a voucher is over all that was charged before it and the price. */
function priceOf({ max, charged, amount }: Entry): bigint {
  return (max ?? charged) - charged + amount
}

/** A voucher and what it was used for. */
function voucherOf({ max, request }: { max: bigint | null; request: string | null }): string {
  return `${max}:${request}`
}
