/** D1: one database that is slow, fails, and loses answers. Its answers are durable. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { world } from '../world.ts'
import { type Prepared, prepare, runStatement } from './disk.ts'
import { outward } from './owner.ts'

const WAY_MS = 8

type Result = { results: Record<string, SqlStorageValue>[]; success: true; meta: { changes: number } }

/** A D1 database with some migrations applied. */
export class Book {
  readonly #db = new DatabaseSync(':memory:')
  readonly #prepared = new Map<string, Prepared>()
  /** While it is true, every query fails. */
  isDown = false

  constructor(migrations: readonly string[]) {
    for (const migration of migrations) this.#db.exec(migration)
  }

  prepare(query: string): Statement {
    return new Statement(this, query, [])
  }

  async batch(statements: Statement[]): Promise<Result[]> {
    return this.ask(`batch of ${statements.length}`, () => {
      this.#db.exec('BEGIN')
      try {
        const results = statements.map((statement) => this.run(statement))
        this.#db.exec('COMMIT')
        return results
      } catch (fault) {
        this.#db.exec('ROLLBACK')
        throw fault
      }
    })
  }

  /** Runs a query on its way. A fault before it changes nothing; a lost answer has changed all. */
  ask<Value>(what: string, work: () => Value): Promise<Value> {
    return outward(async () => {
      const here = world()
      await here.sleep(here.latency('d1', WAY_MS), `d1 ${what.slice(0, 60)}`)
      if (this.isDown || here.choices.strikes('d1 fails', 'book', 0.004)) throw new Error('D1_ERROR: network')
      const value = work()
      await here.sleep(here.latency('d1', WAY_MS), 'd1 answer')
      if (here.choices.strikes('d1 answer lost', 'book', 0.004)) throw new Error('D1_ERROR: network')
      return value
    })
  }

  run({ query, bindings }: Statement): Result {
    const results = this.peek(query, ...bindings)
    const changes = /^\s*SELECT\b/i.test(query)
      ? 0
      : Number(this.peek('SELECT changes() AS changes')[0]?.changes)
    return { results, success: true, meta: { changes } }
  }

  /** A query of the simulator's own checks. */
  peek(query: string, ...bindings: SQLInputValue[]): Record<string, SqlStorageValue>[] {
    let known = this.#prepared.get(query)
    if (!known) {
      known = prepare(this.#db, query)
      this.#prepared.set(query, known)
    }
    return runStatement(known, bindings)
  }

  close(): void {
    this.#db.close()
  }
}

/** One prepared statement. */
class Statement {
  readonly query: string
  readonly bindings: SQLInputValue[]
  readonly #book: Book

  constructor(book: Book, query: string, bindings: SQLInputValue[]) {
    this.#book = book
    this.query = query
    this.bindings = bindings
  }

  bind(...bindings: SQLInputValue[]): Statement {
    return new Statement(this.#book, this.query, bindings)
  }

  async all(): Promise<Result> {
    return this.#book.ask(this.query, () => this.#book.run(this))
  }

  async run(): Promise<Result> {
    return this.all()
  }

  async first(column?: string): Promise<unknown> {
    const { results } = await this.all()
    const [row] = results
    if (!row) return null
    return column === undefined ? row : row[column]
  }

  async raw(): Promise<unknown[][]> {
    const { results } = await this.all()
    return results.map((row) => Object.values(row))
  }
}
