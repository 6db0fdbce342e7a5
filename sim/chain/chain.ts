/** The chain: blocks, the pool, reorganizations and finality. */
import { keccak256, parseTransaction, serializeTransaction } from 'viem'
import type { Log } from '../../src/chain/log.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { recover } from '../../src/protocol/evm/secp256k1.ts'
import { world } from '../world.ts'
import { type Call, type ChainState, Revert } from './state.ts'

/** One transaction. An actor's own has `act` in the place of calldata. */
export type Transaction = {
  hash: Hex
  from: Address
  nonce: number
  to: Address
  data: Hex
  maxFee: bigint
  act?: (state: ChainState, call: Call) => Log[]
}

/** The receipt of a mined transaction, and the channels of the escrow right after it. */
export type Mined = {
  transaction: Transaction
  succeeded: boolean
  logs: Log[]
  after: Pick<ChainState, 'channel'>
}

type Block = { number: number; state: ChainState; mined: Mined[] }

/** Longer than on Base: a watch then reads a day of blocks in a few requests. */
const BLOCK_MS = 10_000
const FIRST_BLOCK = 1_000
/** A block of this depth is final. Reorganizations are shallower. */
const FINAL_DEPTH = 40
const MOST_REORG = 4
/** A transaction takes so much gas. */
export const GAS_USED = 100_000n
const BASE_FEE = 10_000_000n
/** Over the most that a relayer may pay. */
const SPIKE_FEE = 40_000_000_000n

/** The chain. Blocks without transactions are not kept: the time says their number. */
export class Chain {
  readonly #start: number
  readonly #blocks: Block[] = []
  readonly #pool = new Map<Hex, Transaction>()
  #isMining = false
  #actions = 0
  #spikeUntil = 0
  /** Every transaction that was ever seen: from, nonce and content. */
  readonly seen = new Map<Hex, Transaction>()
  /** Called for each mined transaction. */
  onMined: (mined: Mined, block: number) => void = () => {}
  /** Called after blocks were undone. */
  onReorg: (undone: readonly Mined[]) => void = () => {}

  constructor(genesis: ChainState) {
    this.#start = Math.floor(world().now / BLOCK_MS) * BLOCK_MS
    this.#blocks.push({ number: FIRST_BLOCK, state: genesis, mined: [] })
  }

  get head(): number {
    return FIRST_BLOCK + Math.floor((world().now - this.#start) / BLOCK_MS)
  }

  get final(): number {
    return Math.max(FIRST_BLOCK, this.head - FINAL_DEPTH)
  }

  /** The time of a block in Unix seconds. */
  timeOf(number: number): bigint {
    return BigInt(Math.floor((this.#start + (number - FIRST_BLOCK) * BLOCK_MS) / 1000))
  }

  get baseFee(): bigint {
    return world().now < this.#spikeUntil ? SPIKE_FEE : BASE_FEE
  }

  /** The state after a block. */
  at(number = this.head): ChainState {
    const block = this.#blocks.findLast((block) => block.number <= number) ?? this.#blocks[0]
    if (!block) throw new Error('the chain must have a block')
    return block.state
  }

  /** The receipt of a transaction, up to a block. */
  receipt(hash: Hex, upTo = this.head): (Mined & { block: number }) | undefined {
    for (const { number, mined } of this.#blocks) {
      const found = number <= upTo && mined.find(({ transaction }) => transaction.hash === hash)
      if (found) return { ...found, block: number }
    }
    return undefined
  }

  /** All transactions that stand, oldest first. */
  mined(): readonly Mined[] {
    return this.#blocks.flatMap(({ mined }) => mined)
  }

  /** The logs of blocks, with the hash of their transaction. */
  logs(first: number, last: number): { log: Log; hash: Hex; block: number }[] {
    return this.#blocks.flatMap(({ number, mined }) =>
      number < first || number > last
        ? []
        : mined.flatMap(({ logs, transaction: { hash } }) =>
            logs.map((log) => ({ log, hash, block: number })),
          ),
    )
  }

  /** Whether a transaction waits to be mined. */
  get isBusy(): boolean {
    return this.#pool.size > 0
  }

  /** Simulates a call on the state after a block. @throws Revert */
  simulate(to: Address, data: Hex, from: Address, number = this.head): void {
    this.at(number)
      .copy()
      .call(to, data, { from, time: this.timeOf(number) })
  }

  /** Takes a signed transaction. Returns why the node refuses it; undefined if it waits now. */
  take(raw: Hex): string | undefined {
    const transaction = transactionOf(raw)
    this.seen.set(transaction.hash, transaction)
    if (this.#pool.has(transaction.hash)) return 'already known'
    if (transaction.nonce < (this.at().nonces.get(transaction.from) ?? 0)) return 'nonce too low'
    const rival = [...this.#pool.values()].find(
      ({ from, nonce }) => from === transaction.from && nonce === transaction.nonce,
    )
    if (rival && transaction.maxFee * 10n < rival.maxFee * 11n) return 'replacement transaction underpriced'
    if (rival) this.#pool.delete(rival.hash)
    this.#add(transaction)
    return undefined
  }

  /** Sends an actor's own transaction. */
  act(from: Address, act: NonNullable<Transaction['act']>): Hex {
    const hash: Hex = `0x${(++this.#actions).toString(16).padStart(64, 'a')}`
    this.#add({ hash, from, nonce: -1, to: from, data: '0x', maxFee: SPIKE_FEE * 2n, act })
    return hash
  }

  /** Gas is dear for a while. */
  spike(ms: number): void {
    this.#spikeUntil = world().now + ms
    world().count('fee spike')
  }

  endSpike(): void {
    this.#spikeUntil = 0
  }

  /** Undoes the newest blocks. Their transactions wait again, or are lost. */
  reorganize(): void {
    const { choices } = world()
    const from = this.head - choices.between('reorg depth', 0, MOST_REORG)
    const undone = this.#blocks
      .filter(({ number }) => number >= from && number > FIRST_BLOCK)
      .flatMap(({ mined }) => mined)
    if (undone.length === 0) return
    world().count('reorg of transactions')
    world().note(`reorg from block ${from}`)
    while ((this.#blocks.at(-1)?.number ?? 0) >= from && this.#blocks.length > 1) this.#blocks.pop()
    this.onReorg(undone)
    for (const { transaction } of undone) {
      // An actor's own transaction is of a wallet that sends it again.
      if (!transaction.act && choices.chance('reorg loses', 0.3)) world().count('reorg lost a transaction')
      else this.#add(transaction)
    }
  }

  #add(transaction: Transaction): void {
    this.#pool.set(transaction.hash, transaction)
    if (!transaction.act && world().choices.strikes('dropped transaction', 'pool', 0.04)) {
      this.#pool.delete(transaction.hash)
      world().count('transaction dropped')
    }
    if (this.#isMining) return
    this.#isMining = true
    const here = world()
    const next = this.#start + (this.head - FIRST_BLOCK + 1) * BLOCK_MS
    const late = here.choices.strikes('slow block', 'chain', 0.05) ? here.latency('slow block', 90_000) : 0
    here.after(next - here.now + Math.ceil(late / BLOCK_MS) * BLOCK_MS, 'mine', () => {
      this.#isMining = false
      this.#mine()
    })
  }

  /** The waiting transactions by nonce. The builder of a block puts the actors' own before or behind those of the relayer. */
  #ordered(): Transaction[] {
    const waiting = [...this.#pool.values()].sort((a, b) => a.nonce - b.nonce)
    if (!world().choices.chance('order of a block', 0.3)) return waiting
    return [...waiting.filter(({ act }) => !act), ...waiting.filter(({ act }) => act)]
  }

  #mine(): void {
    const number = this.head
    const state = this.at().copy()
    const time = this.timeOf(number)
    const mined: Mined[] = []
    for (const transaction of this.#ordered()) {
      const { hash, from, nonce, to, data, maxFee, act } = transaction
      const next = state.nonces.get(from) ?? 0
      if (!act && nonce < next) this.#pool.delete(hash)
      if (maxFee < this.baseFee || (!act && nonce !== next)) continue
      this.#pool.delete(hash)
      if (!act) state.nonces.set(from, nonce + 1)
      const call = { from, time }
      const trial = state.copy()
      try {
        const logs = act ? act(trial, call) : trial.call(to, data, call)
        Object.assign(state, trial)
        mined.push({ transaction, succeeded: true, logs, after: trial })
      } catch (fault) {
        if (!(fault instanceof Revert)) throw fault
        mined.push({ transaction, succeeded: false, logs: [], after: state })
        if (!act) world().count('transaction reverted')
      }
      if (!act) state.wei.set(from, (state.wei.get(from) ?? 0n) - GAS_USED * this.baseFee)
    }
    if (mined.length > 0) {
      this.#blocks.push({ number, state, mined })
      const here = world()
      if (here.choices.strikes('reorg', 'block', 0.06))
        here.after(here.latency('reorg', BLOCK_MS * MOST_REORG), 'reorg', () => this.reorganize())
    }
    for (const one of mined) {
      world().note(
        `mined ${one.transaction.hash.slice(0, 10)} nonce ${one.transaction.nonce} ${one.succeeded}`,
      )
      this.onMined(one, number)
    }
    const [waiting] = this.#pool.values()
    if (waiting) this.#add(waiting)
  }
}

const parsed = new Map<Hex, Transaction>()

/** Reads a signed transaction. Each is read once: relayers send the same bytes again. */
function transactionOf(raw: Hex): Transaction {
  const known = parsed.get(raw)
  if (known) return known
  const { r = '0x', s = '0x', yParity, v: _, ...unsigned } = parseTransaction(raw)
  const { nonce = 0, to, data = '0x', maxFeePerGas: maxFee = 0n } = unsigned
  const digest = keccak256(serializeTransaction(unsigned), 'bytes')
  const [left, right] = [r, s].map((word) => word.slice(2).padStart(64, '0'))
  const from = recover(digest, `0x${left}${right}${yParity === 1 ? '1c' : '1b'}`)
  if (!from || !to) throw new Error('the relayer must sign a whole transaction')
  const transaction = { hash: keccak256(raw), from, nonce, to: to.toLowerCase() as Address, data, maxFee }
  if (parsed.size > 10_000) parsed.clear()
  parsed.set(raw, transaction)
  return transaction
}
