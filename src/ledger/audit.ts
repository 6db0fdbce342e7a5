/** The audit log: one Durable Object of every deployment, with or without credit. */
import { DurableObject } from 'cloudflare:workers'
import {
  ACT_TABLE,
  type Act,
  type ActFilter,
  type ActKeys,
  type ActSource,
  type AuditLog,
  type Begun,
  findActs,
  type KeyedAct,
  type KeyState,
  type NewAct,
} from './act.ts'
import { REGISTRY } from './credit/agent.ts'
import type { Agents } from './credit/agents.ts'

const SCHEMA = [
  ACT_TABLE,
  // Requests under a key of their sender, and their answers: a second one is answered, and not done.
  `CREATE TABLE IF NOT EXISTS keyed (
    who TEXT NOT NULL,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    at INTEGER NOT NULL,
    after INTEGER NOT NULL,
    status INTEGER,
    body TEXT,
    act INTEGER,
    PRIMARY KEY (who, key)
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS keyed_at ON keyed (at)',
  // The last act that was copied from each registry.
  `CREATE TABLE IF NOT EXISTS copied (source TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
]

/** How long a request stands as under way. Later the same one may be done again: its own ids make its effect happen once. */
const RUNNING_MS = 60_000
/** How long a key is stored. Later it may name another request. */
const KEY_MS = 7 * 86_400_000

/** Acts of one registry in one call. Longer logs are copied page by page. */
const PAGE_ACTS = 500

type Page = { source: string; after: number; acts: Act[] }

/** The registries whose acts are copied, as far as they are bound. */
export type AuditSources = {
  AGENTS?: DurableObjectNamespace<Agents>
  /** The registry of sites, of which this object needs only its acts. */
  SITES?: { getByName(name: string): ActSource }
  /** The object of people, likewise. */
  PEOPLE?: { getByName(name: string): ActSource }
}

/**
 * Every act of an operator in one order. Rows are never changed or removed.
 *
 * A registry stores a change and its act in one transaction of its own, so neither exists without the other. This
 * object copies those acts before each call, each once. The first copy takes over the log of an earlier version, with
 * its numbers.
 */
export class Audit extends DurableObject<AuditSources> implements AuditLog, ActKeys {
  constructor(ctx: DurableObjectState, env: AuditSources) {
    super(ctx, env)
    for (const statement of SCHEMA) ctx.storage.sql.exec(statement)
  }

  /** Stores an act. @throws if a registry cannot be read: nothing is stored then */
  async note(act: NewAct): Promise<void> {
    await this.#copy()
    this.#add({ ...act, at: Date.now() })
  }

  /** Returns up to `limit` acts with `seq > after`, oldest first. @throws if a registry cannot be read */
  async acts(after: number, limit: number): Promise<Act[]> {
    await this.#copy()
    return this.ctx.storage.sql
      .exec<Act>('SELECT * FROM act WHERE seq > ? ORDER BY seq LIMIT ?', after, limit)
      .toArray()
  }

  /** Acts of a filter, the newest first. @throws if a registry cannot be read */
  async search(filter: ActFilter, before: number, limit: number): Promise<Act[]> {
    await this.#copy()
    return this.ctx.storage.sql.exec<Act>(...findActs(filter, before, limit)).toArray()
  }

  /** Begins a request under a key, unless it was begun before. @throws if a registry cannot be read */
  async begin({ who, key, request }: KeyedAct): Promise<Begun> {
    await this.#copy()
    const { sql } = this.ctx.storage
    const now = Date.now()
    sql.exec('DELETE FROM keyed WHERE at < ?', now - KEY_MS)
    const [row] = sql.exec('SELECT * FROM keyed WHERE who = ? AND key = ?', who, key).toArray()
    if (!row) {
      const last = 'SELECT coalesce(max(seq), 0) FROM act'
      sql.exec(`INSERT INTO keyed SELECT ?, ?, ?, ?, (${last}), NULL, NULL, NULL`, who, key, request, now)
      return { outcome: 'begun', at: now }
    }
    if (row.request !== request) return { outcome: 'other' }
    const at = Number(row.at)
    if (row.status === null) return now - at < RUNNING_MS ? { outcome: 'running' } : { outcome: 'begun', at }
    return { outcome: 'done', status: Number(row.status), body: String(row.body) }
  }

  /** Stores the answer, and the newest act since the beginning that its path or its body names. */
  async end({ who, key }: KeyedAct, answer: { status: number; body: string; path: string }): Promise<void> {
    await this.#copy()
    const { status, body, path } = answer
    this.ctx.storage.sql.exec(
      `UPDATE keyed SET status = ?3, body = ?4, act = (
         SELECT max(seq) FROM act WHERE act.who = ?1 AND seq > keyed.after AND instr(?5, subject) > 0)
       WHERE who = ?1 AND key = ?2`,
      ...[who, key, status, body, `${path} ${body}`],
    )
  }

  /** How a request stands; null for a key that is not stored. */
  async keyed(who: string, key: string): Promise<KeyState | null> {
    const [row] = this.ctx.storage.sql
      .exec<KeyState>('SELECT at, status, act FROM keyed WHERE who = ? AND key = ?', who, key)
      .toArray()
    return row ?? null
  }

  async #copy(): Promise<void> {
    for (let isMore = true; isMore; ) {
      const pages = await Promise.all(this.#sources().map(([name, source]) => this.#page(name, source)))
      this.ctx.storage.transactionSync(() => this.#take(pages))
      isMore = pages.some(({ acts }) => acts.length === PAGE_ACTS)
    }
  }

  #sources(): [string, ActSource][] {
    const { AGENTS, SITES, PEOPLE } = this.env
    return [
      ...(AGENTS ? [['agents', AGENTS.getByName(REGISTRY)] as [string, ActSource]] : []),
      ...(SITES ? [['sites', SITES.getByName('sites')] as [string, ActSource]] : []),
      ...(PEOPLE ? [['people', PEOPLE.getByName('people')] as [string, ActSource]] : []),
    ]
  }

  async #page(source: string, from: ActSource): Promise<Page> {
    const after = this.#copiedOf(source)
    return { source, after, acts: await from.acts(after, PAGE_ACTS) }
  }

  /** Another call may have taken the same page while this one was read. */
  #take(pages: readonly Page[]): void {
    const fresh = pages.filter(({ source, after }) => this.#copiedOf(source) === after)
    for (const act of fresh.flatMap(({ acts }) => acts).sort((one, two) => one.at - two.at)) this.#add(act)
    for (const { source, acts } of fresh) {
      const last = acts.at(-1)
      if (last)
        this.ctx.storage.sql.exec(
          'INSERT INTO copied VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET seq = excluded.seq',
          source,
          last.seq,
        )
    }
  }

  #copiedOf(source: string): number {
    const [row] = this.ctx.storage.sql.exec('SELECT seq FROM copied WHERE source = ?', source).toArray()
    return Number(row?.seq ?? 0)
  }

  #add({ at, who, what, subject, before, after }: Omit<Act, 'seq'>): void {
    this.ctx.storage.sql.exec(
      'INSERT INTO act (at, who, what, subject, before, after) VALUES (?, ?, ?, ?, ?, ?)',
      at,
      who,
      what,
      subject,
      before,
      after,
    )
  }
}
