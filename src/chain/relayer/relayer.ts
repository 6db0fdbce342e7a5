/** The relayer: one Durable Object per chain and key. It assigns the key's nonces and follows each transaction until mined. */

import { DurableObject } from 'cloudflare:workers'
import { log } from '../../platform/log.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { addressOf } from '../../protocol/evm/secp256k1.ts'
import { ChainFault } from '../fault.ts'
import { type Chain, connect } from '../rpc.ts'
import { type Fees, firstFees, gasLimit, nextFees, PLAIN_GAS } from './gas.ts'
import { feeNow, GAS_TERMS, type GasTerms, type Sponsored, worstCost } from './gas-money.ts'
import { MAX_FILLED, MAX_LEAP, type NonceState, Nonces } from './nonces.ts'
import { assertSame, isSigned, Orders, type Signed, type TransactionOrder } from './orders.ts'
import { type Outcome, outcomeOf, type Unsigned } from './outcome.ts'
import { type Cost, type DeclinedOrder, Spending } from './spending.ts'
import type { Conditions, Receipt } from './transaction.ts'

/** See orders.ts and outcome.ts. */
export type { Outcome, TransactionOrder }

/** `gas`: the terms on which gas is paid for; {@link GAS_TERMS} in its absence. */
export type RelayerSettings = { chain: Chain; key: Hex; gas?: Partial<GasTerms>; waits?: Partial<Waits> }

/** How long the relayer waits, in milliseconds. */
export type Waits = {
  /** A call waits so long for a transaction to be mined, then it returns `pending`. */
  minedMs: number
  /** Open transactions are looked at so often. */
  tendMs: number
  /** A transaction that is older than this is sent again at a higher fee. */
  stuckMs: number
}

/**
 * The key as an operator sees it. `mined`: how many of its transactions the node counts, null while it does not answer.
 * `next`: the nonce after the highest one that was signed. `open`: orders whose outcome is not known.
 */
export type RelayerState = NonceState & {
  address: Address
  mined: number | null
  next: number
  open: number
}

/** The interface for callers. A Durable Object stub implements it. */
export type Relayer = {
  send(order: TransactionOrder, waitMs?: number): Promise<Outcome>
  outcome(id: string, waitMs?: number): Promise<Outcome | { status: 'none' }>
}

const WAITS: Waits = { minedMs: 15_000, tendMs: 15_000, stuckMs: 45_000 }
const KEEP_MS = 7 * 86_400_000
/** A reorganization may undo a transaction of this age: on Base a block is final after some 15 minutes. */
const MAY_BE_UNDONE_MS = 1_200_000
/** So often it is looked for: an authorization that must be sent again is valid for minutes only. */
const MINED_PAUSE_MS = 60_000
const TENDED_AT_ONCE = 50
const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 2_000

/** Sends transactions of one key, each order once. Stores an order before it sends it. */
export class RelayerBase<Env = unknown> extends DurableObject<Env> implements Relayer {
  readonly #chain: Chain
  readonly #key: Hex
  readonly #gas: GasTerms
  readonly #waits: Waits
  readonly #orders: Orders
  readonly #spending: Spending
  readonly #nonces: Nonces
  readonly #placing = new Map<string, { order: TransactionOrder; placed: Promise<Unsigned | undefined> }>()
  /** Orders whose node was busy: the calls that wait for them send them again. */
  readonly #unsent = new Set<string>()
  #turn: Promise<unknown> = Promise.resolve()
  #conditions: Promise<Conditions> | null = null

  constructor(ctx: DurableObjectState, env: Env, settings: RelayerSettings) {
    super(ctx, env)
    this.#chain = settings.chain
    this.#key = settings.key
    this.#gas = { ...GAS_TERMS, ...settings.gas }
    this.#waits = { ...WAITS, ...settings.waits }
    this.#orders = new Orders(ctx.storage)
    this.#spending = new Spending(ctx.storage.sql, this.#gas)
    this.#nonces = new Nonces(ctx.storage.sql, {
      readCount: (tag) => this.#readCount(tag),
      warn: (message, evidence) => this.#warn(message, evidence),
    })
    // Trap: a transaction signed before this restart may not have been sent, and every later nonce waits for it.
    if (this.#orders.open(1).length > 0) ctx.blockConcurrencyWhile(() => ctx.storage.setAlarm(Date.now()))
  }

  /** The account that pays for gas and is `msg.sender`: the channels' receiver authorizer. */
  async address(): Promise<Address> {
    return addressOf(this.#key)
  }

  /**
   * Makes an order's transaction once, and waits about `waitMs` for it. A repeated call with the same id returns the outcome
   * of the same transaction.
   * @throws ChainFault before anything is signed; `outcome` then returns `none`
   * @throws RangeError when the id was used for another content
   */
  async send(order: TransactionOrder, waitMs: number = this.#waits.minedMs): Promise<Outcome> {
    const until = Date.now() + waitMs
    const known = this.#orders.find(order.id)
    if (known) assertSame(known, order)
    if (known && isSigned(known)) {
      if (known.open) await this.#rebroadcast(known)
    } else {
      const unsigned = await this.#placeOnce(order)
      if (unsigned) return unsigned
    }
    return this.#await(order.id, until)
  }

  /**
   * Whether an order of this kind would be declined now; null if it would not. Writes nothing, and leaves out the gas that
   * the order itself takes.
   * @throws ChainFault when fees are unreadable
   */
  async declines(sponsored: Sponsored): Promise<DeclinedOrder | null> {
    const now = await this.#readConditions()
    const nothing = { expected: 0n, worst: 0n }
    return this.#decline(sponsored, nothing, now) ?? null
  }

  /** The outcome of an order that may have been sent; `none` if no signed transaction of it can be mined. */
  async outcome(id: string, waitMs = 0): Promise<Outcome | { status: 'none' }> {
    // Trap: an order that is being simulated is signed in a moment.
    await this.#placing.get(id)?.placed.catch(() => undefined)
    const known = this.#orders.find(id)
    if (!known || !isSigned(known)) return { status: 'none' }
    if (known.open) await this.#arm()
    return this.#await(id, Date.now() + waitMs)
  }

  /** The state of the key's nonces. `taken` and `filled` reach back a day. Never throws for a node that fails. */
  async state(): Promise<RelayerState> {
    const now = Date.now()
    const mined = await this.#readCount('latest').catch(() => null)
    const next = this.#nonces.next()
    const nonces = this.#nonces.state(mined ?? next, now)
    return { address: await this.address(), mined, next, open: this.#orders.count(), ...nonces }
  }

  /** Looks after open transactions now, and fills up to 1,000 missing nonces. Never throws for a node that fails. */
  async repair(): Promise<RelayerState> {
    await this.#tend(MAX_FILLED).catch((thrown) => {
      this.#warn('open transactions not checked', { fault: String(thrown) })
    })
    return this.state()
  }

  /** Looks for open orders, and mined ones that were undone. Sends them again. Never throws: the runtime drops failing alarms. */
  override async alarm(): Promise<void> {
    try {
      await this.#tend(MAX_LEAP)
      this.#orders.prune(Date.now() - KEEP_MS)
      this.#spending.prune(Date.now())
    } catch (thrown) {
      this.#warn('open transactions not checked, retrying at the next alarm', { fault: String(thrown) })
    }
    const pauseMs = this.#pauseMs()
    if (pauseMs !== null) await this.ctx.storage.setAlarm(Date.now() + pauseMs)
  }

  /** When to look again: for open orders, or for mined ones whose block may still be undone. Null: for none. */
  #pauseMs(): number | null {
    if (this.#orders.open(1).length > 0) return this.#waits.tendMs
    return Date.now() - this.#orders.signedAt() < MAY_BE_UNDONE_MS ? MINED_PAUSE_MS : null
  }

  // Parallel calls with one id place it once: later callers wait for the first.
  #placeOnce(order: TransactionOrder): Promise<Unsigned | undefined> {
    const running = this.#placing.get(order.id)
    if (running) {
      assertSame(running.order, order)
      return running.placed
    }
    const placed = this.#place(order).finally(() => this.#placing.delete(order.id))
    this.#placing.set(order.id, { order, placed })
    return placed
  }

  /** Simulates, signs, stores and sends an order. Returns why nothing was signed. */
  async #place(order: TransactionOrder): Promise<Unsigned | undefined> {
    // Threat: a payer whose budget is used up must cost no calls to the node either.
    const exhausted = order.sponsored && this.#spending.exhausted(order.sponsored, Date.now())
    if (exhausted) return exhausted
    const { broadcast, simulate } = await import('./transaction.ts')
    const client = await connect(this.#chain)
    const from = await this.address()
    const [trial, now] = await Promise.all([simulate(client, from, order), this.#readConditions()])
    if ('refused' in trial) return { status: 'refused', reason: trial.refused }
    const gas = order.gas ?? gasLimit(order.data, trial.gas)
    const attempt = await this.#inTurn(() => this.#sign(order, { limit: gas, expected: trial.gas }, now))
    if ('status' in attempt) return attempt
    const against = await broadcast(client, attempt.raw)
    if (against) this.#warn('broadcast outcome unknown', { hash: attempt.hash, against: against.error })
    if (against?.isBusy) this.#unsent.add(order.id)
    return undefined
  }

  /** Assigns the next nonce to an order, signs it, and stores both before anything is sent. */
  async #sign(
    order: TransactionOrder,
    gas: { limit: bigint; expected: bigint },
    now: Conditions,
  ): Promise<{ hash: Hex; raw: Hex } | Unsigned> {
    const { signTransaction } = await import('./transaction.ts')
    const fees = firstFees(now.baseFee, now.tip, this.#gas.maxFee)
    if (!fees) throw new ChainFault('fee_too_high', `the base fee is ${now.baseFee} wei`)
    const cost = { expected: gas.expected * feeNow(now), worst: worstCost(gas.limit, fees) }
    const declined = order.sponsored && this.#decline(order.sponsored, cost, now)
    if (declined) return declined
    if (now.balance < cost.worst) throw new ChainFault('unfunded', `the relayer holds ${now.balance} wei`)
    const nonce = await this.#nonces.choose(now.count)
    const signed = signTransaction(this.#key, this.#chain.chainId, { ...order, gas: gas.limit, nonce, fees })
    const { id, to, data, sponsored } = order
    const alone = this.#orders.open(1).length === 0
    const at = Date.now()
    this.ctx.storage.transactionSync(() => {
      if (sponsored) this.#spending.spend(sponsored, cost, at)
      this.#orders.place({ id, to, data, gas: gas.limit, nonce, open: true }, { ...signed, fees, at })
    })
    // Trap: set the alarm in the same tick as the write. Both then reach the disk together, and no order lacks an alarm.
    if (alone) await this.ctx.storage.setAlarm(Date.now() + this.#waits.tendMs)
    return signed
  }

  /** The order of a payer that we do not pay for; undefined if it may be signed. */
  #decline(sponsored: Sponsored, cost: Cost, now: Conditions): DeclinedOrder | undefined {
    const free = now.balance - this.#orders.committed()
    const declined = this.#spending.decline(sponsored, { cost, free, fee: feeNow(now), now: Date.now() })
    if (declined)
      this.#warn('order declined', { ...declined, payer: sponsored.payer, least: `${declined.least}` })
    return declined
  }

  /**
   * Gives a transaction that moves nothing to nonces that no transaction has, so that those behind them can be mined. Nothing
   * is paid twice: the orders that wait keep their only transactions.
   */
  async #fillMissing(now: Conditions, most: number): Promise<void> {
    if (this.#nonces.missing(now.count, 1).length === 0) return
    const { broadcast, signTransaction } = await import('./transaction.ts')
    const [client, to] = await Promise.all([connect(this.#chain), this.address()])
    const fees = firstFees(now.baseFee, now.tip, this.#gas.maxFee)
    if (!fees) throw new ChainFault('fee_too_high', `the base fee is ${now.baseFee} wei`)
    const raws = await this.#inTurn(async () => {
      const nonces = await this.#nonces.fillable(now.count, most)
      return nonces.map((nonce) => {
        const order = { id: `fill:${nonce}`, to, data: '0x', gas: PLAIN_GAS, nonce, open: true } as const
        const signed = signTransaction(this.#key, this.#chain.chainId, { ...order, fees })
        const at = Date.now()
        this.ctx.storage.transactionSync(() => {
          this.#orders.place(order, { ...signed, fees, at })
          this.#nonces.fill(nonce, at)
        })
        return signed.raw
      })
    })
    // In any order: pools keep a later nonce until the earlier ones arrive.
    await mapConcurrently(
      raws,
      (raw) => broadcast(client, raw),
      () => undefined,
    )
  }

  /** Polls for a receipt with growing pauses until `until` (Unix ms), then returns `pending`. */
  async #await(id: string, until: number): Promise<Outcome> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const outcome = await this.#look(id)
      if (outcome.status !== 'pending' || Date.now() + pause > until) return outcome
      await scheduler.wait(pause)
      const unsent = this.#unsent.has(id) && this.#orders.find(id)
      if (unsent && isSigned(unsent)) await this.#rebroadcast(unsent)
    }
  }

  /** The current outcome of an order; `pending` while the chain is unreadable. */
  async #look(id: string): Promise<Outcome> {
    try {
      const receipt = await this.#findReceipt(id)
      if (receipt) return outcomeOf(receipt)
    } catch (thrown) {
      if (!(thrown instanceof ChainFault)) throw thrown
    }
    const [newest] = this.#orders.attempts(id)
    if (!newest) throw new Error(`order ${id} must have a signed transaction`)
    return { status: 'pending', hash: newest.hash }
  }

  /** The receipt of any of an order's transactions; undefined only when the chain has none of them. @throws ChainFault */
  async #findReceipt(id: string): Promise<Receipt | undefined> {
    const { findReceipt } = await import('./transaction.ts')
    const hashes = this.#orders.attempts(id).map((attempt) => attempt.hash)
    const receipt = await findReceipt(this.#chain, hashes)
    const lost = this.#orders.mark(id, !receipt) && !receipt
    if (lost) await this.#arm()
    return receipt
  }

  /** `most`: how many missing nonces may be filled. */
  async #tend(most: number): Promise<void> {
    // While nothing is open, one number of the node shows that no block was undone.
    if (this.#orders.open(1).length === 0 && this.#nonces.areWhole(await this.#readCount('latest'))) return
    const now = await this.#readConditions()
    this.#orders.reopen(now.count)
    await this.#fillMissing(now, most)
    for (const order of this.#orders.open(TENDED_AT_ONCE).filter(isSigned)) {
      try {
        if (await this.#findReceipt(order.id)) continue
        if (order.nonce < now.count) await this.#displaceIfFinal(order)
        else await this.#push(order, now)
      } catch (thrown) {
        // One order that the node answers wrongly about must not keep the others waiting.
        if (!(thrown instanceof ChainFault)) throw thrown
        this.#warn('open transaction not checked', { order: order.id, fault: thrown.message })
      }
    }
  }

  /** Sends an order again. If it has been pending for long, sends it at a higher fee with the same nonce and content. */
  async #push(order: Signed, now: Conditions): Promise<void> {
    const [last] = this.#orders.attempts(order.id)
    if (!last) return
    const stuck = Date.now() - last.at >= this.#waits.stuckMs
    const asked = stuck ? firstFees(now.baseFee, now.tip, this.#gas.maxFee) : undefined
    const fees = asked && nextFees(last.fees, asked, this.#gas.maxFee)
    if (stuck && !fees) this.#warn('transaction still pending at the maximum fee', { hash: last.hash })
    if (fees) await this.#inTurn(() => this.#replace(order, fees))
    await this.#rebroadcast(order)
  }

  async #replace(order: Signed, fees: Fees): Promise<void> {
    const { signTransaction } = await import('./transaction.ts')
    const signed = signTransaction(this.#key, this.#chain.chainId, { ...order, fees })
    this.#orders.replace(order, { ...signed, fees, at: Date.now() })
  }

  async #rebroadcast(order: Signed): Promise<void> {
    const { broadcast } = await import('./transaction.ts')
    const [last] = this.#orders.attempts(order.id)
    await this.#arm()
    if (!last?.raw) return
    try {
      const against = await broadcast(await connect(this.#chain), last.raw)
      if (!against?.isBusy) this.#unsent.delete(order.id)
    } catch (thrown) {
      if (!(thrown instanceof ChainFault)) throw thrown
      this.#warn('broadcast outcome unknown', { hash: last.hash, against: thrown.message })
    }
  }

  /** Abandons an order only when an unknown transaction has its nonce and is final: the key was used elsewhere. */
  async #displaceIfFinal(order: Signed): Promise<void> {
    if (order.nonce >= (await this.#readCount('finalized'))) return
    this.ctx.storage.transactionSync(() => {
      this.#orders.displace(order.id)
      this.#nonces.take(order.nonce, Date.now())
    })
    const { id, nonce } = order
    this.#warn('nonce used by an unknown transaction, order abandoned', { order: id, nonce })
  }

  async #readCount(tag: 'latest' | 'finalized'): Promise<number> {
    const { readCount } = await import('./transaction.ts')
    return readCount(this.#chain, await this.address(), tag)
  }

  async #readConditions(): Promise<Conditions> {
    const { readConditions } = await import('./transaction.ts')
    const from = await this.address()
    this.#conditions ??= readConditions(this.#chain, from).finally(() => {
      this.#conditions = null
    })
    return this.#conditions
  }

  // One at a time: no other order may choose a nonce until this one's is stored.
  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #arm(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(Date.now() + this.#waits.tendMs)
  }

  #warn(message: string, evidence: Record<string, unknown>): void {
    log('relayer', { what: message, network: this.#chain.network, evidence })
  }
}
