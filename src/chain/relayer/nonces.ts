/** The nonces of the relayer's key: the next one, those that no transaction has, and those that another user took. */
import { ChainFault } from '../fault.ts'

/** Nonces `first` to `last` that differed from our own count, noticed `at` (Unix ms). */
export type NonceRange = { first: number; last: number; at: number }

/**
 * The state of the key's nonces.
 * - `missing`: below a transaction of ours, and no transaction has them: all later ones wait.
 * - `taken`: the chain counts transactions at them that this deployment did not make.
 * - `filled`: they were missing, and got a transaction that moves nothing.
 */
export type NonceState = { missing: NonceRange[]; taken: NonceRange[]; filled: NonceRange[] }

// Landed statements are never edited; later versions append.
const SCHEMA = `CREATE TABLE IF NOT EXISTS nonces (
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('skipped', 'taken', 'filled')),
    at INTEGER NOT NULL,
    PRIMARY KEY (first, what)
  ) STRICT`

/** The node's count of the key's transactions, and the log. */
type Ports = {
  readCount(tag: 'latest' | 'finalized'): Promise<number>
  warn(message: string, evidence: Record<string, unknown>): void
}

/**
 * The chain may count this many transactions more than ours without their being final. Beyond it an order waits until they
 * are, as a false count would leave that many nonces missing. The alarm fills up to as many.
 */
export const MAX_LEAP = 128
/** An operator's act fills up to this many missing nonces. Beyond it, the act must be repeated. */
export const MAX_FILLED = 1_000
const REPORTED_MS = 25 * 3_600_000

/** Reads the nonces of stored transactions, and stores what the chain counts besides them. */
export class Nonces {
  readonly #sql: SqlStorage
  readonly #ports: Ports

  constructor(sql: SqlStorage, ports: Ports) {
    this.#sql = sql
    this.#ports = ports
    sql.exec(SCHEMA)
  }

  /** The highest nonce ever signed, plus one. */
  next(): number {
    return this.#number('SELECT coalesce(max(nonce) + 1, 0) AS value FROM attempt') ?? 0
  }

  /**
   * Up to `limit` nonces, lowest first, that no transaction has although one of ours waits behind them. `count`: the mined
   * transactions of the key by the node. Trap: a node that lags counts fewer than our own mined transactions.
   */
  missing(count: number, limit: number): number[] {
    const missing: number[] = []
    let expected = Math.max(count, this.#mined())
    const signed = this.#sql.exec(
      'SELECT DISTINCT nonce FROM attempt WHERE nonce >= ? ORDER BY nonce',
      expected,
    )
    for (const { nonce } of signed) {
      for (; expected < Number(nonce) && missing.length < limit; expected++) missing.push(expected)
      if (missing.length >= limit) break
      expected = Number(nonce) + 1
    }
    return missing
  }

  /** Whether the chain counts all that was mined of ours (`count` is the node's), and no nonce is missing. */
  areWhole(count: number): boolean {
    return count >= this.#mined() && this.missing(count, 1).length === 0
  }

  /**
   * The nonce of the next transaction: a missing one first. The chain counts more than our storage if the key was used
   * elsewhere or the storage was lost. Trap: a transaction whose nonce is too high waits until those below it are filled,
   * and so do all later ones. So the node must confirm a higher count. The `finalized` count alone cannot confirm it,
   * because it lags by minutes, but it bounds what a false count can do.
   * @throws ChainFault when the node does not confirm its count
   */
  async choose(count: number): Promise<number> {
    const [missing] = this.missing(count, 1)
    if (missing !== undefined) return missing
    const next = this.next()
    if (count <= next) return next
    const { readCount, warn } = this.#ports
    const [again, final] = await Promise.all([readCount('latest'), readCount('finalized')])
    if (again < count)
      throw new ChainFault(
        'unreachable',
        `the node counts ${count} transactions of the relayer, then ${again}`,
      )
    if (count > Math.max(final, next) + MAX_LEAP)
      throw new ChainFault(
        'unreachable',
        `the node counts ${count} transactions of the relayer, ${final} final`,
      )
    warn('another sender uses the relayer key: each deployment needs a key of its own', { next, count })
    this.#note({ first: next, last: count - 1, at: Date.now() }, 'skipped')
    return count
  }

  /** The missing nonces, if they are at most `most` and the node confirms `count`. @throws ChainFault */
  async fillable(count: number, most: number): Promise<number[]> {
    const missing = this.missing(count, MAX_FILLED)
    if (missing.length === 0) return []
    const fits = missing.length <= most && (await this.#ports.readCount('latest')) === count
    const evidence = { first: missing[0], nonces: missing.length }
    this.#ports.warn(fits ? 'nonces were missing and are filled' : 'nonces are missing', evidence)
    return fits ? missing : []
  }

  /** Stores that another transaction at `nonce` is final. */
  take(nonce: number, at: number): void {
    this.#note({ first: nonce, last: nonce, at }, 'taken')
  }

  /** Stores that `nonce` was missing and has a transaction that moves nothing. */
  fill(nonce: number, at: number): void {
    this.#note({ first: nonce, last: nonce, at }, 'filled')
  }

  /** The nonces that are missing now, at most {@link MAX_FILLED} of them, and the changes of the last day. `now` in Unix ms. */
  state(count: number, now: number): NonceState {
    const query = 'SELECT first, last, at FROM nonces WHERE what = ? AND at >= ? ORDER BY first'
    const noted = (what: string) => this.#sql.exec(query, what, now - REPORTED_MS).toArray() as NonceRange[]
    return {
      missing: rangesOf(this.missing(count, MAX_FILLED), now),
      // A node overstated its count, so the relayer skipped nonces that are still free.
      taken: [
        ...noted('skipped').filter(({ last }) => last < count && !this.#isOurs(last)),
        ...noted('taken'),
      ],
      filled: noted('filled'),
    }
  }

  /** The nonce after the last mined transaction of ours. */
  #mined(): number {
    const query =
      'SELECT nonce + 1 AS value FROM placed WHERE open = 0 AND nonce IS NOT NULL ORDER BY nonce DESC LIMIT 1'
    return this.#number(query) ?? 0
  }

  #isOurs(nonce: number): boolean {
    return this.#number('SELECT 1 AS value FROM attempt WHERE nonce = ?', nonce) !== undefined
  }

  #number(query: string, ...bindings: number[]): number | undefined {
    const [row] = this.#sql.exec(query, ...bindings).toArray()
    return row?.value as number | undefined
  }

  #note({ first, last, at }: NonceRange, what: string): void {
    this.#sql.exec('INSERT OR REPLACE INTO nonces VALUES (?, ?, ?, ?)', first, last, what, at)
  }
}

/** Ascending numbers as ranges. */
function rangesOf(nonces: number[], at: number): NonceRange[] {
  const ranges: NonceRange[] = []
  for (const nonce of nonces) {
    const last = ranges.at(-1)
    if (last && last.last === nonce - 1) last.last = nonce
    else ranges.push({ first: nonce, last: nonce, at })
  }
  return ranges
}
