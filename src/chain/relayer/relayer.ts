/** The relayer: one Durable Object per chain and key. It owns the key's nonces and sees every transaction to its end. */
import { DurableObject } from 'cloudflare:workers'
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import { addressOf } from '../../protocol/evm/secp256k1.ts'
import { ChainFault } from '../fault.ts'
import type { Log } from '../log.ts'
import { type Chain, connect } from '../rpc.ts'
import { type Fees, firstFees, gasLimit, nextFees } from './gas.ts'
import { Orders, type Placed, type TransactionOrder } from './orders.ts'
import type { Conditions, Receipt } from './transaction.ts'

export type { TransactionOrder } from './orders.ts'

/**
 * What became of an order.
 * - `mined`, `reverted`: what the chain says now; a reorganisation can still make it `pending` again.
 * - `refused`: the simulation failed, so nothing was signed or sent, and the id may be sent again.
 * - `pending`: signed, and on its way or about to be. It may be mined at any time: never make another instead.
 */
export type Outcome =
  | { status: 'mined'; hash: Hex; block: bigint; logs: Log[] }
  | { status: 'reverted'; hash: Hex; block: bigint }
  | { status: 'refused'; reason: string }
  | { status: 'pending'; hash: Hex }

/** `maxFee`: the most paid for one gas, in wei. */
export type RelayerSettings = { chain: Chain; key: Hex; maxFee?: bigint }

/** What a caller needs of a relayer: a Durable Object stub fits. */
export type Relayer = {
  send(order: TransactionOrder, waitMs?: number): Promise<Outcome>
  outcome(id: string, waitMs?: number): Promise<Outcome | { status: 'none' }>
}

const WAIT_MS = 15_000
const TEND_MS = 15_000
const STUCK_MS = 45_000
const KEEP_MS = 7 * 86_400_000
const DEFAULT_MAX_FEE = 25_000_000_000n
const TENDED_AT_ONCE = 50
const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 2_000

type Signed = Placed & { nonce: number }

export class RelayerBase<Env = unknown> extends DurableObject<Env> implements Relayer {
  readonly #chain: Chain
  readonly #key: Hex
  readonly #maxFee: bigint
  readonly #orders: Orders
  readonly #placing = new Map<string, { order: TransactionOrder; placed: Promise<string | undefined> }>()
  #turn: Promise<unknown> = Promise.resolve()
  #conditions: Promise<Conditions> | null = null

  constructor(ctx: DurableObjectState, env: Env, { chain, key, maxFee = DEFAULT_MAX_FEE }: RelayerSettings) {
    super(ctx, env)
    this.#chain = chain
    this.#key = key
    this.#maxFee = maxFee
    this.#orders = new Orders(ctx.storage)
    // What was signed may never have been sent before this restart, and every later nonce waits for it.
    if (this.#orders.open(1).length > 0) ctx.blockConcurrencyWhile(() => ctx.storage.setAlarm(Date.now()))
  }

  /** Who pays for gas and is `msg.sender`: the channels' receiver authorizer. */
  async address(): Promise<Address> {
    return addressOf(this.#key)
  }

  /**
   * Makes an order's transaction, once, and waits for it at most about `waitMs`. Asked again with the same id it answers for
   * the same transaction. What it throws before anything was signed (`outcome` then says `none`) is a ChainFault.
   * @throws RangeError when the id was given for another content
   */
  async send(order: TransactionOrder, waitMs: number = WAIT_MS): Promise<Outcome> {
    const until = Date.now() + waitMs
    const known = this.#orders.find(order.id)
    if (known) assertSame(known, order)
    if (known && isSigned(known)) {
      if (known.open) await this.#rebroadcast(known)
    } else {
      const refused = await this.#placeOnce(order)
      if (refused !== undefined) return { status: 'refused', reason: refused }
    }
    return this.#await(order.id, until)
  }

  /** What became of an order that may have been sent; `none` if nothing was ever signed that could still be mined. */
  async outcome(id: string, waitMs = 0): Promise<Outcome | { status: 'none' }> {
    const known = this.#orders.find(id)
    if (!known || !isSigned(known)) return { status: 'none' }
    if (known.open) await this.#arm()
    return this.#await(id, Date.now() + waitMs)
  }

  /** Sees to what is open: looks for receipts, sends again, raises fees. Never throws, since a failed alarm is dropped in the end. */
  override async alarm(): Promise<void> {
    try {
      await this.#tend()
      this.#orders.prune(Date.now() - KEEP_MS)
    } catch (thrown) {
      this.#warn('the relayer could not tend its transactions', { fault: String(thrown) })
    }
    if (this.#orders.open(1).length > 0) await this.ctx.storage.setAlarm(Date.now() + TEND_MS)
  }

  // The same id in parallel is placed once: the later callers wait for the first.
  #placeOnce(order: TransactionOrder): Promise<string | undefined> {
    const running = this.#placing.get(order.id)
    if (running) {
      assertSame(running.order, order)
      return running.placed
    }
    const placed = this.#place(order).finally(() => this.#placing.delete(order.id))
    this.#placing.set(order.id, { order, placed })
    return placed
  }

  /** Simulates, signs, keeps and sends. Answers why the simulation refused. */
  async #place(order: TransactionOrder): Promise<string | undefined> {
    const { broadcast, simulate } = await import('./transaction.ts')
    const client = await connect(this.#chain)
    const from = await this.address()
    const [trial, now] = await Promise.all([simulate(client, from, order), this.#readConditions()])
    if ('refused' in trial) return trial.refused
    const gas = order.gas ?? gasLimit(order.data, trial.gas)
    const attempt = await this.#inTurn(() => this.#sign(order, gas, now))
    const against = await broadcast(client, attempt.raw)
    if (against !== undefined) this.#warn('a broadcast is in doubt', { hash: attempt.hash, against })
    return undefined
  }

  /** Gives the order the next nonce, signs it and keeps both, before anybody outside can have seen them. */
  async #sign(order: TransactionOrder, gas: bigint, now: Conditions): Promise<{ hash: Hex; raw: Hex }> {
    const { signTransaction } = await import('./transaction.ts')
    const fees = firstFees(now.baseFee, now.tip, this.#maxFee)
    if (!fees) throw new ChainFault('fee_too_high', `the base fee is ${now.baseFee} wei`)
    if (now.balance < gas * fees.maxFee)
      throw new ChainFault('unfunded', `the relayer holds ${now.balance} wei`)
    const nonce = await this.#nextNonce(now.count)
    const signed = signTransaction(this.#key, this.#chain.chainId, { ...order, gas, nonce, fees })
    const { id, to, data } = order
    const alone = this.#orders.open(1).length === 0
    this.#orders.place({ id, to, data, gas, nonce, open: true }, { ...signed, fees, at: Date.now() })
    // Not a tick after the write: both reach the disk together, so that nothing is open without an alarm to see to it.
    if (alone) await this.ctx.storage.setAlarm(Date.now() + TEND_MS)
    return signed
  }

  /**
   * The nonce after ours. A chain that counts more has seen the key elsewhere, or in an earlier life of this object; a node that
   * says so must say it twice, since what is signed at a nonce that never comes waits for ever, and all later orders with it.
   * The final count is no second look: it lags by minutes, in which a relayer that has lost its memory would stand still.
   */
  async #nextNonce(count: number): Promise<number> {
    const next = this.#orders.nextNonce()
    if (count <= next) return next
    const { readCount } = await import('./transaction.ts')
    const again = await readCount(await connect(this.#chain), await this.address(), 'latest')
    // A count only grows.
    if (again >= count) return count
    throw new ChainFault('unreachable', `the node counts ${count} transactions of the relayer, then ${again}`)
  }

  /** Asks for receipts, slower and slower, until there is one or it is time to answer `pending`. */
  async #await(id: string, until: number): Promise<Outcome> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const outcome = await this.#look(id)
      if (outcome.status !== 'pending' || Date.now() + pause > until) return outcome
      await scheduler.wait(pause)
    }
  }

  /** What became of an order, as far as can be told now. A chain that cannot be read leaves it `pending`. */
  async #look(id: string): Promise<Outcome> {
    try {
      const receipt = await this.#findReceipt(id)
      if (receipt) return outcomeOf(receipt)
    } catch (thrown) {
      if (!(thrown instanceof ChainFault)) throw thrown
    }
    const [newest] = this.#orders.attempts(id)
    if (!newest) throw new Error(`nothing was signed for ${id}`)
    return { status: 'pending', hash: newest.hash }
  }

  /** The receipt of any of an order's transactions; undefined only when the chain has said that there is none. @throws ChainFault */
  async #findReceipt(id: string): Promise<Receipt | undefined> {
    const { findReceipt } = await import('./transaction.ts')
    const hashes = this.#orders.attempts(id).map((attempt) => attempt.hash)
    const receipt = await findReceipt(await connect(this.#chain), hashes)
    const lost = this.#orders.mark(id, !receipt) && !receipt
    if (lost) await this.#arm()
    return receipt
  }

  async #tend(): Promise<void> {
    const now = await this.#readConditions()
    this.#orders.reopen(now.count)
    for (const order of this.#orders.open(TENDED_AT_ONCE).filter(isSigned)) {
      if (await this.#findReceipt(order.id)) continue
      if (order.nonce < now.count) await this.#displaceIfFinal(order)
      else await this.#push(order, now)
    }
  }

  /** Sends again what was signed; what has been stuck for long goes at a higher fee, with the same nonce and content. */
  async #push(order: Signed, now: Conditions): Promise<void> {
    const [last] = this.#orders.attempts(order.id)
    if (!last) return
    const stuck = Date.now() - last.at >= STUCK_MS
    const asked = stuck ? firstFees(now.baseFee, now.tip, this.#maxFee) : undefined
    const fees = asked && nextFees(last.fees, asked, this.#maxFee)
    if (stuck && !fees) this.#warn('a transaction is stuck at the highest fee allowed', { hash: last.hash })
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
      await broadcast(await connect(this.#chain), last.raw)
    } catch (thrown) {
      if (!(thrown instanceof ChainFault)) throw thrown
      this.#warn('a broadcast is in doubt', { hash: last.hash, against: thrown.message })
    }
  }

  /** Gives an order up only when its nonce is taken for good by a transaction of which we know nothing (a key used elsewhere). */
  async #displaceIfFinal(order: Signed): Promise<void> {
    const { readCount } = await import('./transaction.ts')
    const final = await readCount(await connect(this.#chain), await this.address(), 'finalized')
    if (order.nonce >= final) return
    this.#orders.displace(order.id)
    this.#warn('another transaction took a nonce of the relayer', { order: order.id, nonce: order.nonce })
  }

  async #readConditions(): Promise<Conditions> {
    const { readConditions } = await import('./transaction.ts')
    const [client, from] = await Promise.all([connect(this.#chain), this.address()])
    this.#conditions ??= readConditions(client, from).finally(() => {
      this.#conditions = null
    })
    return this.#conditions
  }

  // One at a time: between choosing a nonce and keeping what was signed with it nobody else may choose.
  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #arm(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now() + TEND_MS)
  }

  #warn(message: string, evidence: Record<string, unknown>): void {
    console.warn(JSON.stringify({ message, network: this.#chain.network, ...evidence }))
  }
}

function outcomeOf({ hash, block, succeeded, logs }: Receipt): Outcome {
  return succeeded ? { status: 'mined', hash, block, logs } : { status: 'reverted', hash, block }
}

function isSigned(order: Placed): order is Signed {
  return order.nonce !== null
}

function assertSame(known: Pick<Placed, 'to' | 'data'>, order: TransactionOrder): void {
  const same = known.to === order.to && (known.data === order.data || known.data.length === 0)
  if (!same) throw new RangeError(`the order ${order.id} was given for another content`)
}
