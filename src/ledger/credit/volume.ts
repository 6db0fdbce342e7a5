/** The pages of one agent in a month, by site and rule, and the price that follows. */

const SCHEMA = `CREATE TABLE IF NOT EXISTS volume (
  name TEXT PRIMARY KEY,
  month TEXT NOT NULL,
  pages INTEGER NOT NULL
) STRICT, WITHOUT ROWID`

/** From page number `from` of a month on, a page costs `price` micro-dollars. */
export type Step = { from: number; price: bigint }

/** The step of page number `page`; undefined below the first. `steps` in ascending order. */
export function stepOf(steps: readonly Step[], page: number): Step | undefined {
  return steps.findLast(({ from }) => from <= page)
}

/**
 * Counts the pages of this month. Memory leads storage: {@link write} belongs into the transaction of the charges. The table
 * is created with the first page of a rule that has steps.
 */
export class Volume {
  readonly #sql: SqlStorage
  readonly #unwritten = new Map<string, { month: string; pages: number }>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  /** The pages of a rule in the month of `now` (Unix milliseconds). */
  pages(name: string, now: number): number {
    const month = monthOf(now)
    const known = this.#unwritten.get(name) ?? this.#read(name)
    return known?.month === month ? known.pages : 0
  }

  /** Adds a page of a rule. */
  add(name: string, now: number): void {
    this.#unwritten.set(name, { month: monthOf(now), pages: this.pages(name, now) + 1 })
  }

  /** Takes back a page that was charged at `at` under a rule, with its step if it had one. A rule without steps is left alone. */
  release(rule: string, at: number, now: number): void {
    const name = rule.replace(/ step \d+$/, '')
    const pages = monthOf(at) === monthOf(now) ? this.pages(name, now) : 0
    if (pages > 0) this.#unwritten.set(name, { month: monthOf(now), pages: pages - 1 })
  }

  /** Stores what was counted since the last write. */
  write(): void {
    if (this.#unwritten.size === 0) return
    this.#sql.exec(SCHEMA)
    for (const [name, { month, pages }] of this.#unwritten)
      this.#sql.exec('INSERT OR REPLACE INTO volume VALUES (?, ?, ?)', name, month, pages)
    this.#unwritten.clear()
  }

  #read(name: string): { month: string; pages: number } | undefined {
    if (this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'volume'`).toArray().length === 0)
      return undefined
    const [row] = this.#sql.exec('SELECT month, pages FROM volume WHERE name = ?', name).toArray()
    return row && { month: String(row.month), pages: Number(row.pages) }
  }
}

function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7)
}
