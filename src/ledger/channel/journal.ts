/**
 * A channel account's tables: the append-only journal, and one state row for the fields that no entry holds.
 */

import { writeJson } from '../../platform/json.ts'
import { padAmount, unpadAmount } from '../../protocol/amount.ts'
import type { ChannelConfig, ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { addColumns, type TableVersion } from '../columns.ts'
import { entriesSql } from '../page-sql.ts'
import { soldIn } from '../sold.ts'
import type { Totals } from '../totals.ts'
import type { Entry, Standing, Unresolved } from './types.ts'

const AMOUNT = (name: string) => `${name} TEXT NOT NULL CHECK (length(${name}) = 39)`

// Threat: reading an unknown channel must not create tables, or anyone could fill storage (faults: H1). So
// they are created at the first write. Later versions append statements here and never edit released ones.
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

/** Columns that came later, oldest first: what was sold. An account of an earlier version gets them when it wakes. */
const ENTRY: TableVersion = {
  table: 'entry',
  first: 15,
  added: [
    ['rule', 'ALTER TABLE entry ADD COLUMN rule TEXT'],
    ['site', 'ALTER TABLE entry ADD COLUMN site TEXT'],
    ['policy', 'ALTER TABLE entry ADD COLUMN policy INTEGER'],
    ['who', 'ALTER TABLE entry ADD COLUMN who TEXT'],
  ],
}

const REFUNDS = `CREATE INDEX IF NOT EXISTS entry_refund ON entry (at) WHERE kind = 'refund'`

type Row = Record<string, SqlStorageValue>

/** Refunds of one channel in 24 hours. More are refused: each costs us a transaction (faults: F13). */
export const MAX_REFUNDS_PER_DAY = 3

/** Reads and writes one account's tables. Callers hold the transaction. Times in Unix milliseconds. */
export class Journal {
  readonly #sql: SqlStorage
  /** The state as its row holds it. */
  #kept: Standing | null = null

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** Returns the state after the last entry, or null if the account was never opened. */
  read(): Standing | null {
    if (!this.#exists()) return null
    addColumns(this.#sql, ENTRY)
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

  /** Returns up to `limit` entries with `seq > after`, oldest first; or those with `seq < after`, newest first. */
  entries(after: number, limit: number, isNewestFirst = false): Entry[] {
    if (!this.#exists()) return []
    return this.#sql.exec(entriesSql(isNewestFirst), after, limit).toArray().map(entryOf)
  }

  /** Returns the newest entries with `at > since`, at most `limit`, oldest first. */
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

  /** Returns a charge with its replays and releases, oldest first. */
  story(seq: number): Entry[] {
    if (!this.#exists()) return []
    return this.#sql
      .exec('SELECT * FROM entry WHERE seq = ?1 OR (seq > ?1 AND of = ?1) ORDER BY seq', seq)
      .toArray()
      .map(entryOf)
  }

  /** Returns the highest voucher that was ever charged. */
  voucher(): { max: bigint; signature: Hex } | undefined {
    if (!this.#exists()) return undefined
    const [row] = this.#sql
      .exec(`SELECT max, signature FROM entry WHERE kind = 'charge' ORDER BY max DESC LIMIT 1`)
      .toArray()
    return row && { max: unpadAmount(String(row.max)), signature: row.signature as Hex }
  }

  /** Returns the id of the last refund that was mined. */
  refund(): string | undefined {
    this.#sql.exec(REFUNDS)
    const query = `SELECT id FROM entry WHERE kind = 'refund' AND tx IS NOT NULL ORDER BY at DESC, seq DESC LIMIT 1`
    const [row] = this.#sql.exec(query).toArray()
    return row && String(row.id)
  }

  /** Returns how many refunds were begun after `since` (Unix ms), whatever became of them. */
  refundsSince(since: number): number {
    // A ledger of an earlier version lacks the index. It holds refunds alone, so that a charge writes no row more.
    this.#sql.exec(REFUNDS)
    const [row] = this.#sql
      .exec(`SELECT count(*) AS n FROM entry WHERE kind = 'refund' AND at > ? AND max IS NOT NULL`, since)
      .toArray()
    return Number(row?.n ?? 0)
  }

  /** Returns when the account was opened, in Unix milliseconds; 0 for an empty journal. */
  openedAt(): number {
    if (!this.#exists()) return 0
    const [row] = this.#sql.exec('SELECT at FROM entry ORDER BY seq LIMIT 1').toArray()
    return Number(row?.at ?? 0)
  }

  /** Returns what was charged by `moment` (Unix ms) above `redeemed`. Reads the entries made since, and unclaimed ones only. */
  owedSince(moment: number, redeemed: bigint): bigint {
    if (!this.#exists()) return 0n
    for (const { at, charged } of this.#sql.exec('SELECT at, charged FROM entry ORDER BY seq DESC')) {
      const owed = unpadAmount(String(charged)) - redeemed
      if (owed <= 0n) return 0n
      if (Number(at) <= moment) return owed
    }
    return 0n
  }

  /**
   * Returns the first unclaimed entry whose total does not follow from the entry before it; null for none. Somebody has
   * changed a row by hand then (faults: E15).
   */
  flawAbove(redeemed: bigint): number | null {
    if (!this.#exists()) return null
    let flaw: number | null = null
    let later: { seq: number; kind: string; amount: bigint; charged: bigint } | undefined
    for (const row of this.#sql.exec('SELECT seq, kind, amount, charged FROM entry ORDER BY seq DESC')) {
      const charged = unpadAmount(String(row.charged))
      if (later && !follows(later, charged)) flaw = later.seq
      if (charged <= redeemed) break
      later = {
        seq: Number(row.seq),
        kind: String(row.kind),
        amount: unpadAmount(String(row.amount)),
        charged,
      }
    }
    return flaw
  }

  /** Returns number and time of the last entry; zeros for an empty journal. */
  last(): { seq: number; at: number } {
    if (!this.#exists()) return { seq: 0, at: 0 }
    const [row] = this.#sql.exec('SELECT seq, at FROM entry ORDER BY seq DESC LIMIT 1').toArray()
    return { seq: Number(row?.seq ?? 0), at: Number(row?.at ?? 0) }
  }

  /** Creates the tables. Idempotent. */
  create(): void {
    for (const statement of SCHEMA) this.#sql.exec(statement)
    addColumns(this.#sql, ENTRY)
  }

  /**
   * Stores entries. Writes the state row only if it holds a change that the entries do not.
   *
   * Trade-off: a charge entry carries its totals and voucher, so it costs one row instead of two.
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
      `INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
      entry.rule,
      entry.site,
      entry.policy,
      entry.who,
    )
  }

  /** Returns the signature of the voucher over `authorized`, charged since the state row was written. */
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
 * Whether two states differ only in totals, and in the signature if `authorized` differs. Compares by
 * reference: the parts of a state are replaced, never mutated.
 */
function sameBut(one: Standing, other: Standing): boolean {
  return (
    one.config === other.config &&
    one.state === other.state &&
    one.quarantine === other.quarantine &&
    one.unresolved === other.unresolved &&
    // The payer signed the same voucher again after its charge was released.
    (one.authorized !== other.authorized || one.signature === other.signature)
  )
}

/** Kinds of entries that may set the total to another value than the entry before it and their own amount. */
const SETTING = new Set(['chain', 'lower', 'release'])

function follows(
  { kind, amount, charged }: { kind: string; amount: bigint; charged: bigint },
  before: bigint,
): boolean {
  return SETTING.has(kind) || charged === (kind === 'charge' ? before + amount : before)
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
    ...soldIn(row),
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

/** The price of a charge. Its voucher covers everything charged before, and the price. */
export function priceOf({ max, charged, amount }: Entry): bigint {
  return (max ?? charged) - charged + amount
}

/** The replay key of a charge: its voucher and the resource it paid for. */
export function voucherOf({ max, request }: { max: bigint | null; request: string | null }): string {
  return `${max}:${request}`
}
