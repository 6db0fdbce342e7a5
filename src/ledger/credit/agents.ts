/**
 * The Agents: one Durable Object, the registry of the crawlers that have credit, with every change ever made
 * to it.
 */
import { DurableObject } from 'cloudflare:workers'
import { readBody, writeBody } from '../body.ts'
import type { CreditLine } from './credit-line.ts'
import type { CreditTerms, Enrolment } from './terms.ts'

/** The name of the one object. */
export const REGISTRY = 'agents'

/** A public key as it was registered, and its JWK thumbprint (RFC 7638, RFC 8037). */
export type PinnedKey = { keyId: string; jwk: Record<string, string | number | boolean | string[]> }

/** A crawler that has credit. Times in Unix milliseconds. */
export type Agent = {
  id: string
  name: string
  /** Where its keys are published, as it signs it; null when it is known by its pinned keys alone. */
  url: string | null
  /** Where keys are pinned, nothing is fetched. Null: the keys are those at `url`. */
  keys: PinnedKey[] | null
  terms: CreditTerms
  /** Why the operator suspended it, or null. */
  suspended: string | null
  createdAt: number
  /** Counts its changes. */
  version: number
}

export type AgentDraft = Pick<Agent, 'id' | 'name' | 'url' | 'keys' | 'terms'>

/** What is left out stays as it is; of the terms, too. */
export type AgentChange = Partial<Pick<Agent, 'name' | 'url' | 'keys'>> & { terms?: Partial<CreditTerms> }

/**
 * `unknown`: no such agent; `exists`: another one has this id; the rest belongs to another agent, or
 * identifies nobody.
 */
export type Registered =
  | { outcome: 'registered'; agent: Agent }
  | { outcome: 'refused'; reason: 'unknown' | 'exists' | 'url_taken' | 'key_taken' | 'unidentified' }

/**
 * One act of an operator: who did what to what, when, and how it was before and afterwards (JSON, or null).
 */
export type Act = {
  seq: number
  at: number
  who: string
  what: string
  subject: string
  before: string | null
  after: string | null
}

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS agent (id TEXT PRIMARY KEY, url TEXT UNIQUE, record TEXT NOT NULL) STRICT`,
  `CREATE TABLE IF NOT EXISTS key (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL REFERENCES agent (id)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS act (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT,
    after TEXT
  ) STRICT`,
]

export class Agents extends DurableObject<{ LINES: DurableObjectNamespace<CreditLine> }> {
  constructor(ctx: DurableObjectState, env: { LINES: DurableObjectNamespace<CreditLine> }) {
    super(ctx, env)
    for (const statement of SCHEMA) ctx.storage.sql.exec(statement)
  }

  /**
   * Registers an agent and opens its line. The same draft again changes nothing.
   * @throws when the line cannot be told; the agent is registered then, and telling it is what doing this
   * again does
   */
  async create(draft: AgentDraft, who: string): Promise<Registered> {
    const known = this.#find(draft.id)
    const agent = known ?? { ...draft, suspended: null, createdAt: Date.now(), version: 1 }
    if (known && writeBody(draftOf(known)) !== writeBody(draftOf(draft)))
      return { outcome: 'refused', reason: 'exists' }
    return known ? this.#tell(known) : this.#put(agent, null, 'agent.create', who)
  }

  /** Changes an agent, and tells its line. @throws as {@link create} */
  async change(id: string, change: AgentChange, who: string): Promise<Registered> {
    const known = this.#find(id)
    if (!known) return { outcome: 'refused', reason: 'unknown' }
    const terms = { ...known.terms, ...change.terms }
    return this.#put({ ...known, ...change, terms, version: known.version + 1 }, known, 'agent.change', who)
  }

  /** Suspends an agent for a reason, or (with null) takes it back. @throws as {@link create} */
  async suspend(id: string, reason: string | null, who: string): Promise<Registered> {
    const known = this.#find(id)
    if (!known) return { outcome: 'refused', reason: 'unknown' }
    if (known.suspended === reason) return this.#tell(known)
    const agent = { ...known, suspended: reason, version: known.version + 1 }
    return this.#put(agent, known, reason === null ? 'agent.resume' : 'agent.suspend', who)
  }

  async get(id: string): Promise<Agent | null> {
    return this.#find(id)
  }

  /** Agents after `after` (an id; '' for the first page), in order of id. */
  async list(after: string, limit: number): Promise<Agent[]> {
    return this.#read('SELECT record FROM agent WHERE id > ? ORDER BY id LIMIT ?', after, limit)
  }

  async count(): Promise<number> {
    return Number(this.ctx.storage.sql.exec('SELECT count(*) AS agents FROM agent').one().agents)
  }

  /**
   * By the URL it signs; else, when nobody registered that URL, among those without one by a pinned key. A
   * claim to be one agent never finds another that has a URL of its own.
   */
  async find({ url, keyId }: { url: string | null; keyId: string }): Promise<Agent | null> {
    const [named] = url === null ? [] : this.#read('SELECT record FROM agent WHERE url = ?', url)
    if (named) return named
    const [keyed] = this.#read(
      'SELECT record FROM agent JOIN key ON key.agent = agent.id WHERE key.id = ? AND url IS NULL',
      keyId,
    )
    return keyed ?? null
  }

  /** Notes another act of an operator, beside those on agents. */
  async note(act: Omit<Act, 'seq' | 'at'>): Promise<void> {
    this.#note(act)
  }

  /** The acts after `after`, oldest first. */
  async acts(after: number, limit: number): Promise<Act[]> {
    return this.ctx.storage.sql
      .exec<Act>('SELECT * FROM act WHERE seq > ? ORDER BY seq LIMIT ?', after, limit)
      .toArray()
  }

  #put(agent: Agent, known: Agent | null, what: string, who: string): Promise<Registered> | Registered {
    const { id, url, keys } = agent
    if (url === null && !keys?.length) return { outcome: 'refused', reason: 'unidentified' }
    const { sql } = this.ctx.storage
    const isTaken = (query: string, value: string) => sql.exec(query, value, id).toArray().length > 0
    if (url !== null && isTaken('SELECT 1 FROM agent WHERE url = ? AND id <> ?', url))
      return { outcome: 'refused', reason: 'url_taken' }
    const owned = 'SELECT 1 FROM key WHERE id = ? AND agent <> ?'
    if (keys?.some(({ keyId }) => isTaken(owned, keyId))) return { outcome: 'refused', reason: 'key_taken' }
    const record = writeBody(agent)
    this.ctx.storage.transactionSync(() => {
      sql.exec(
        'INSERT INTO agent VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET url = excluded.url, record = excluded.record',
        id,
        url,
        record,
      )
      sql.exec('DELETE FROM key WHERE agent = ?', id)
      for (const { keyId } of keys ?? []) sql.exec('INSERT INTO key VALUES (?, ?)', keyId, id)
      this.#note({ who, what, subject: id, before: known && writeBody(known), after: record })
    })
    return this.#tell(agent)
  }

  /**
   * The line alone refuses a charge, so that a suspension holds at once and not when the last cache has heard
   * of it.
   */
  async #tell(agent: Agent): Promise<Registered> {
    await this.env.LINES.getByName(agent.id).configure(enrolmentOf(agent))
    return { outcome: 'registered', agent }
  }

  #note({ who, what, subject, before, after }: Omit<Act, 'seq' | 'at'>): void {
    this.ctx.storage.sql.exec(
      'INSERT INTO act (at, who, what, subject, before, after) VALUES (?, ?, ?, ?, ?, ?)',
      Date.now(),
      who,
      what,
      subject,
      before,
      after,
    )
  }

  #find(id: string): Agent | null {
    return this.#read('SELECT record FROM agent WHERE id = ?', id)[0] ?? null
  }

  #read(query: string, ...bindings: SqlStorageValue[]): Agent[] {
    return this.ctx.storage.sql
      .exec(query, ...bindings)
      .toArray()
      .map(({ record }) => readBody<Agent>(String(record)))
  }
}

/** What the line is told of its agent. */
export function enrolmentOf({ id, name, version, suspended, terms }: Agent): Enrolment {
  return { agent: id, name, version, suspended, terms }
}

function draftOf({ id, name, url, keys, terms }: AgentDraft): AgentDraft {
  return { id, name, url, keys, terms }
}
