/** An account's tables: the append-only journal of entries, and one row of standing for what they do not tell. */

import { writeJson } from '../../platform/json.ts'
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { ChannelConfig, ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Totals } from '../totals.ts'
import type { Entry, Standing, Unresolved } from './types.ts'

const AMOUNT = (name: string) => `${name} TEXT NOT NULL CHECK (length(${name}) = 39)`

// `CREATE ... IF NOT EXISTS` runs at the first write of an account, never on a look: an account that was asked about but
// never opened holds no rows (faults: H1). Later versions append statements here; landed ones are never edited.
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS standing (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    channel_id TEXT NOT NULL,
    config TEXT NOT NULL,
    ${AMOUNT('authorized')},
    ${AMOUNT('charged')},
    ${AMOUNT('redeemed')},
    ${AMOUNT('credit')},
    signature TEXT NOT NULL,
    chain TEXT NOT NULL,
    quarantine TEXT,
    unresolved TEXT,
    CHECK (authorized >= charged AND charged >= redeemed)
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    ${AMOUNT('amount')},
    ${AMOUNT('authorized')},
    ${AMOUNT('charged')},
    ${AMOUNT('redeemed')},
    ${AMOUNT('credit')},
    ${AMOUNT('ceiling')},
    id TEXT NOT NULL,
    max TEXT,
    signature TEXT,
    request TEXT,
    tx TEXT,
    of INTEGER,
    CHECK (authorized >= charged AND charged >= redeemed)
  ) STRICT`,
]

type Row = Record<string, SqlStorageValue>

/** Reads and writes of one account's tables. Callers hold the transaction. */
export class Journal {
  readonly #sql: SqlStorage
  /** The standing that is in its row. */
  #kept: Standing | null = null

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** The standing as of the last entry, or null if the account was never opened. */
  read(): Standing | null {
    if (!this.#exists()) return null
    const [row] = this.#sql.exec('SELECT * FROM standing').toArray()
    const [last] = this.#sql.exec('SELECT * FROM entry ORDER BY seq DESC LIMIT 1').toArray()
    if (!row) return null
    const kept = standingOf(row)
    this.#kept = kept
    if (!last) return kept
    const totals = totalsOf(last)
    const signature = totals.authorized === kept.authorized ? kept.signature : this.#over(totals.authorized)
    return { ...kept, ...totals, signature }
  }

  /** Entries after `seq`, oldest first. */
  entries(after: number, limit: number): Entry[] {
    if (!this.#exists()) return []
    return this.#sql
      .exec('SELECT * FROM entry WHERE seq > ? ORDER BY seq LIMIT ?', after, limit)
      .toArray()
      .map(entryOf)
  }

  /** The newest entries made after `since` (Unix ms), oldest first, at most `limit`. */
  recent(since: number, limit: number): Entry[] {
    if (!this.#exists()) return []
    const found: Entry[] = []
    for (const row of this.#sql.exec('SELECT * FROM entry ORDER BY seq DESC LIMIT ?', limit)) {
      const entry = entryOf(row)
      if (entry.at <= since) break
      found.push(entry)
    }
    return found.reverse()
  }

  /** A charge and all that was made of it since: replays and releases, oldest first. */
  story(seq: number): Entry[] {
    if (!this.#exists()) return []
    return this.#sql
      .exec('SELECT * FROM entry WHERE seq = ?1 OR (seq > ?1 AND of = ?1) ORDER BY seq', seq)
      .toArray()
      .map(entryOf)
  }

  /** The highest voucher that was ever charged. */
  voucher(): { max: bigint; signature: Hex } | undefined {
    if (!this.#exists()) return undefined
    const [row] = this.#sql
      .exec(`SELECT max, signature FROM entry WHERE kind = 'charge' ORDER BY max DESC LIMIT 1`)
      .toArray()
    return row && { max: unpadAmount(String(row.max)), signature: row.signature as Hex }
  }

  lastSeq(): number {
    if (!this.#exists()) return 0
    const [row] = this.#sql.exec('SELECT coalesce(max(seq), 0) AS last FROM entry').toArray()
    return Number(row?.last ?? 0)
  }

  create(): void {
    for (const statement of SCHEMA) this.#sql.exec(statement)
  }

  /**
   * Keeps entries, and the standing after them where it differs by more than they tell. A charge tells all: it moves totals,
   * and carries the voucher over what is authorized.
   */
  write(entries: Entry[], standing: Standing): void {
    for (const entry of entries) this.#append(entry)
    if (this.#kept && sameBut(this.#kept, standing)) return
    this.#sql.exec(
      `INSERT OR REPLACE INTO standing VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      standing.channelId,
      JSON.stringify(standing.config),
      padAmount(standing.authorized),
      padAmount(standing.charged),
      padAmount(standing.redeemed),
      padAmount(standing.credit),
      standing.signature,
      writeState(standing.state),
      standing.quarantine,
      standing.unresolved ? JSON.stringify(standing.unresolved) : null,
    )
    this.#kept = standing
  }

  #append(entry: Entry): void {
    this.#sql.exec(
      `INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      entry.seq,
      entry.at,
      entry.kind,
      padAmount(entry.amount),
      padAmount(entry.authorized),
      padAmount(entry.charged),
      padAmount(entry.redeemed),
      padAmount(entry.credit),
      padAmount(entry.ceiling),
      entry.id,
      entry.max === null ? null : padAmount(entry.max),
      entry.signature,
      entry.request,
      entry.transaction,
      entry.of,
    )
  }

  /** The signature of the voucher over `authorized`, which was charged since the standing was written. */
  #over(authorized: bigint): Hex {
    const [row] = this.#sql
      .exec(
        `SELECT signature FROM entry WHERE kind = 'charge' AND max = ? ORDER BY seq DESC LIMIT 1`,
        padAmount(authorized),
      )
      .toArray()
    return (row?.signature ?? '0x') as Hex
  }

  #exists(): boolean {
    return this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'standing'`).toArray().length > 0
  }
}

/**
 * Whether two standings differ in totals and in the signature over another total at most. A standing's parts are replaced,
 * never changed.
 */
function sameBut(one: Standing, other: Standing): boolean {
  return (
    one.config === other.config &&
    one.state === other.state &&
    one.quarantine === other.quarantine &&
    one.unresolved === other.unresolved &&
    // The same voucher signed anew, after its charge was given back.
    (one.authorized !== other.authorized || one.signature === other.signature)
  )
}

function totalsOf(row: Row): Totals {
  return {
    authorized: unpadAmount(String(row.authorized)),
    charged: unpadAmount(String(row.charged)),
    redeemed: unpadAmount(String(row.redeemed)),
    credit: unpadAmount(String(row.credit)),
  }
}

function standingOf(row: Row): Standing {
  return {
    ...totalsOf(row),
    channelId: row.channel_id as Hex,
    config: JSON.parse(String(row.config)) as ChannelConfig,
    signature: row.signature as Hex,
    state: readState(String(row.chain)),
    quarantine: row.quarantine as string | null,
    unresolved: row.unresolved === null ? null : (JSON.parse(String(row.unresolved)) as Unresolved),
  }
}

function entryOf(row: Row): Entry {
  return {
    ...totalsOf(row),
    seq: row.seq as number,
    at: row.at as number,
    kind: row.kind as Entry['kind'],
    amount: unpadAmount(String(row.amount)),
    ceiling: unpadAmount(String(row.ceiling)),
    id: String(row.id),
    max: row.max === null ? null : unpadAmount(String(row.max)),
    signature: row.signature as Hex | null,
    request: row.request as string | null,
    transaction: row.tx as Hex | null,
    of: row.of as number | null,
  }
}

function writeState(state: ChannelState): string {
  return writeJson(state)
}

function readState(text: string): ChannelState {
  const state = JSON.parse(text) as Record<keyof ChannelState, string | number>
  return {
    balance: BigInt(state.balance),
    totalClaimed: BigInt(state.totalClaimed),
    withdrawRequestedAt: Number(state.withdrawRequestedAt),
    withdrawAmount: BigInt(state.withdrawAmount),
    refundNonce: BigInt(state.refundNonce),
    block: BigInt(state.block),
  }
}
