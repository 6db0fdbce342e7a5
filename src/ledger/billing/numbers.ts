/** The document numbers: one Durable Object per operator. */
import { DurableObject } from 'cloudflare:workers'

const SCHEMA = `CREATE TABLE IF NOT EXISTS number (
  series TEXT NOT NULL,
  n INTEGER NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (series, n),
  UNIQUE (series, key)
) STRICT, WITHOUT ROWID`

/** Numbers invoices and credit notes without gaps, each series from 1. */
export class Numbers<Env = unknown> extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.storage.sql.exec(SCHEMA)
  }

  /** Returns the number of `key` in a series: the next one, or the same one if the key already has one. */
  async issue(series: string, key: string): Promise<number> {
    return this.ctx.storage.transactionSync(() => {
      const { sql } = this.ctx.storage
      const [known] = sql.exec('SELECT n FROM number WHERE series = ? AND key = ?', series, key).toArray()
      if (known) return Number(known.n)
      const [last] = sql
        .exec('SELECT n FROM number WHERE series = ? ORDER BY n DESC LIMIT 1', series)
        .toArray()
      const next = Number(last?.n ?? 0) + 1
      sql.exec('INSERT INTO number VALUES (?, ?, ?)', series, next, key)
      return next
    })
  }
}
