/** The storage of one object: SQLite in memory, whose writes reach the disk later, in order, or are lost in a crash. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { deserialize, serialize } from 'node:v8'
import { world } from '../world.ts'

type Row = Record<string, SqlStorageValue>
type Write = { query: string; bindings: SQLInputValue[] }

/** The writes of one turn. `alarm` is the alarm that the turn has set; undefined for none. */
type Batch = {
  turn: number
  writes: Write[]
  alarm?: number | null
  flushed: Promise<void>
  flush: () => void
}

/** The longest that a write takes to reach the disk. */
const FLUSH_MS = 6
const SLOW_FLUSH_MS = 400
/** Statements that write nothing. */
const READ = /^\s*(?:SELECT|EXPLAIN|PRAGMA|WITH)\b/i

/**
 * The disk of one object. Reads see all writes at once. A write is durable when its batch is flushed; a crash loses the
 * batches that are not.
 */
export class Disk {
  readonly name: string
  readonly #db = new DatabaseSync(':memory:')
  readonly #statements = new Map<string, Prepared[]>()
  /** Grows with each write. */
  version = 0
  /** Called when an alarm has become durable. */
  onAlarm: (at: number | null) => void = () => {}
  #batches: Batch[] = []
  #alarm: number | null = null
  #durableAlarm: number | null = null
  #flushesAt = 0

  constructor(name: string) {
    this.name = name
  }

  /** Runs SQL of one or more statements, and returns the rows of the last one. */
  exec(query: string, bindings: readonly unknown[] = []): Row[] {
    const isRead = READ.test(query)
    const values = bindings.map(bindingOf)
    if (!isRead) {
      this.version++
      this.#batch().writes.push({ query, bindings: values })
    }
    return this.#run(query, values)
  }

  /** As `exec`, for the simulator's own checks: it may run at any time and writes nothing. */
  peek(query: string, ...bindings: SQLInputValue[]): Row[] {
    return this.#run(query, bindings)
  }

  has(table: string): boolean {
    return this.peek('SELECT 1 FROM sqlite_master WHERE name = ?', table).length > 0
  }

  transactionSync<Value>(work: () => Value): Value {
    const batch = this.#batch()
    const [length, alarm] = [batch.writes.length, batch.alarm]
    this.#run('SAVEPOINT work')
    try {
      const value = work()
      this.#run('RELEASE work')
      return value
    } catch (fault) {
      this.#db.exec('ROLLBACK TO work; RELEASE work')
      batch.writes.length = length
      if (alarm === undefined) delete batch.alarm
      else batch.alarm = alarm
      throw fault
    }
  }

  get alarm(): number | null {
    return this.#alarm
  }

  get durableAlarm(): number | null {
    return this.#durableAlarm
  }

  setAlarm(at: number | null): void {
    this.#batch().alarm = at
    this.#alarm = at
  }

  get(key: string): unknown {
    if (!this.has('_cf_KV')) return undefined
    const [row] = this.peek('SELECT value FROM _cf_KV WHERE key = ?', key)
    return row && deserialize(Buffer.from(row.value as ArrayBuffer))
  }

  put(key: string, value: unknown): void {
    this.exec('CREATE TABLE IF NOT EXISTS _cf_KV (key TEXT PRIMARY KEY, value BLOB)')
    this.exec('INSERT OR REPLACE INTO _cf_KV VALUES (?, ?)', [key, serialize(value)])
  }

  delete(key: string): void {
    if (this.has('_cf_KV')) this.exec('DELETE FROM _cf_KV WHERE key = ?', [key])
  }

  /** Resolves when all writes until now are durable; null while there are none. */
  gate(): Promise<void> | null {
    return this.#batches.at(-1)?.flushed ?? null
  }

  /** How many batches a crash would lose. */
  get unflushed(): number {
    return this.#batches.length
  }

  /** Loses what is not durable. `kept` batches had reached the disk, although no caller has an answer. */
  crash(kept: number): void {
    const lost = this.#batches
    if (lost.length === 0) return
    this.#batches = []
    this.#run('ROLLBACK')
    this.#alarm = this.#durableAlarm
    for (const batch of lost.slice(0, kept)) {
      this.#run('BEGIN')
      this.#apply(batch)
    }
  }

  close(): void {
    this.#db.close()
  }

  /** The batch of this turn. */
  #batch(): Batch {
    const last = this.#batches.at(-1)
    const { turn } = world()
    if (last?.turn === turn) return last
    if (!last) this.#run('BEGIN')
    const { promise: flushed, resolve: flush } = Promise.withResolvers<void>()
    const batch: Batch = { turn, writes: [], flushed, flush }
    this.#batches.push(batch)
    this.#schedule(batch)
    return batch
  }

  #schedule(batch: Batch): void {
    const here = world()
    const most = here.choices.strikes('slow disk', this.name, 0.2) ? SLOW_FLUSH_MS : FLUSH_MS
    this.#flushesAt = Math.max(this.#flushesAt, here.now + here.latency(`disk ${this.name}`, most))
    here.after(this.#flushesAt - here.now, `flush ${this.name}`, () => {
      // Two batches may reach the disk at one moment: the earlier one always comes first.
      while (this.#batches.includes(batch)) {
        const first = this.#batches[0] ?? batch
        this.#flush(first)
        first.flush()
      }
    })
  }

  /** Trap: later batches share the transaction. They are undone, and done again after this one is committed. */
  #flush(batch: Batch): void {
    const later = this.#batches.slice(1)
    this.#batches = later
    if (later.length > 0) {
      this.#run('ROLLBACK')
      this.#run('BEGIN')
      this.#apply(batch)
      this.#run('BEGIN')
      for (const { writes } of later) this.#repeat(writes)
    } else {
      this.#run('COMMIT')
      this.#becomes(batch.alarm)
    }
  }

  #apply({ writes, alarm }: Batch): void {
    this.#repeat(writes)
    this.#run('COMMIT')
    this.#becomes(alarm)
  }

  #becomes(alarm: number | null | undefined): void {
    if (alarm === undefined) return
    this.#durableAlarm = alarm
    if (this.#batches.every((later) => later.alarm === undefined)) this.#alarm = alarm
    this.onAlarm(alarm)
  }

  #repeat(writes: readonly Write[]): void {
    for (const { query, bindings } of writes) this.#run(query, bindings)
  }

  #run(query: string, bindings: SQLInputValue[] = []): Row[] {
    let rows: Row[] = []
    for (const statement of this.#prepared(query)) rows = runStatement(statement, bindings)
    return rows
  }

  /** Trap: a later statement may need the tables of an earlier one, so all but the last are run while they are prepared once. */
  #prepared(query: string): Prepared[] {
    let known = this.#statements.get(query)
    if (!known) {
      const parts = splitStatements(query)
      for (const part of parts.slice(0, -1)) this.#db.exec(part)
      known = parts.slice(-1).map((part) => prepare(this.#db, part))
      if (parts.length === 1) this.#statements.set(query, known)
    }
    return known
  }
}

/** Runs one statement. Integers come back as doubles, as workerd has them. */
export function runStatement({ statement, answers }: Prepared, bindings: SQLInputValue[]): Row[] {
  if (answers) return rowsOf(statement, bindings)
  statement.run(...bindings)
  return []
}

/** A statement that is ready to run. `answers`: it returns rows. */
export type Prepared = { statement: StatementSync; answers: boolean }

/** Prepares one statement. */
export function prepare(db: DatabaseSync, query: string): Prepared {
  const statement = db.prepare(query)
  return { statement, answers: statement.columns().length > 0 }
}

function rowsOf(statement: StatementSync, bindings: SQLInputValue[]): Row[] {
  try {
    return (statement.all(...bindings) as Record<string, unknown>[]).map(rowOf)
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault
    // An integer over 2^53. The statement has only read.
    statement.setReadBigInts(true)
    try {
      return (statement.all(...bindings) as Record<string, unknown>[]).map(rowOf)
    } finally {
      statement.setReadBigInts(false)
    }
  }
}

/** The row itself, with the values that workerd has in the place of others. */
function rowOf(row: Record<string, unknown>): Row {
  for (const name in row) {
    const value = row[name]
    if (typeof value === 'bigint') row[name] = Number(value)
    else if (value instanceof Uint8Array) row[name] = Uint8Array.from(value).buffer
  }
  return row as Row
}

function bindingOf(value: unknown): SQLInputValue {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  // Trap: workerd binds the words, not 1 and 0.
  if (typeof value === 'boolean') return String(value)
  return value as SQLInputValue
}

/** The statements of a query, split at semicolons outside of quotes. */
export function splitStatements(query: string): string[] {
  const parts = query.match(/(?:'(?:[^']|'')*'|"[^"]*"|--[^\n]*|[^;'"-]|-(?!-))+/g) ?? []
  return parts.filter((part) => part.replace(/--[^\n]*/g, '').trim() !== '')
}
