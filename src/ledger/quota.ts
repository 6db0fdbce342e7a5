/** The free pages of a crawler: one Durable Object per crawler. */
import { DurableObject } from 'cloudflare:workers'

const SCHEMA = `CREATE TABLE IF NOT EXISTS free_page (
  rule TEXT NOT NULL,
  page TEXT NOT NULL,
  day TEXT NOT NULL,
  PRIMARY KEY (rule, page)
) STRICT, WITHOUT ROWID`

/** One free page: the rule that allows `pages` of them a day, and the URL. */
export type FreePage = { rule: string; page: string; pages: number }

/** `new` counts from now on, `again` was counted today. */
export type Taken = 'new' | 'again' | 'none'

/**
 * Counts the pages that one crawler gets free, each once a day (UTC). It holds the pages of one day: as many rows as the
 * policy allows. Every change is durable when its call returns.
 */
export class Quota<Env = unknown> extends DurableObject<Env> {
  /** Takes a free page, before the origin is asked. Pages that are under way count, so that many at once are not too many. */
  async take({ rule, page, pages }: FreePage): Promise<Taken> {
    const { sql } = this.ctx.storage
    const day = new Date().toISOString().slice(0, 10)
    return this.ctx.storage.transactionSync(() => {
      sql.exec(SCHEMA)
      sql.exec('DELETE FROM free_page WHERE day <> ?', day)
      const [known] = sql.exec('SELECT 1 FROM free_page WHERE rule = ? AND page = ?', rule, page).toArray()
      if (known) return 'again'
      const [row] = sql.exec('SELECT count(*) AS n FROM free_page WHERE rule = ?', rule).toArray()
      if (Number(row?.n) >= pages) return 'none'
      sql.exec('INSERT INTO free_page VALUES (?, ?, ?)', rule, page, day)
      return 'new'
    })
  }

  /** Gives back a page that was not delivered. */
  async giveBack({ rule, page }: Omit<FreePage, 'pages'>): Promise<void> {
    const { sql } = this.ctx.storage
    sql.exec(SCHEMA)
    sql.exec('DELETE FROM free_page WHERE rule = ? AND page = ?', rule, page)
  }
}
