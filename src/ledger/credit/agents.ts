/** The registry of agents: one Durable Object, with the audit events of its changes. */
import { DurableObject } from 'cloudflare:workers'
import { ACT_TABLE, type Act, type ActFilter, findActs, type NewAct } from '../act.ts'
import { readBody, writeBody } from '../body.ts'
import { type Agent, type AgentChange, type AgentDraft, enrolmentOf, type Registered } from './agent.ts'
import { type AgentIndex, MAX_INDEXED, packIndex } from './agent-index.ts'
import type { CreditLine } from './credit-line.ts'

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS agent (id TEXT PRIMARY KEY, url TEXT UNIQUE, record TEXT NOT NULL) STRICT`,
  `CREATE TABLE IF NOT EXISTS key (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL REFERENCES agent (id)
  ) STRICT, WITHOUT ROWID`,
  ACT_TABLE,
]

/**
 * The source of truth for agents and their terms. Every change is stored with its audit event, then sent to
 * the agent's credit line.
 *
 * Amounts in micro-dollars. `who` names the operator for the audit log.
 */
export class Agents extends DurableObject<{ LINES: DurableObjectNamespace<CreditLine> }> {
  #index: AgentIndex | null = null

  constructor(ctx: DurableObjectState, env: { LINES: DurableObjectNamespace<CreditLine> }) {
    super(ctx, env)
    for (const statement of SCHEMA) ctx.storage.sql.exec(statement)
  }

  /**
   * Registers an agent and opens its credit line. Idempotent for an equal draft.
   * @throws when the credit line cannot be updated. The agent is registered then; repeat the call to update
   * the line
   */
  async create(draft: AgentDraft, who: string): Promise<Registered> {
    const known = this.#find(draft.id)
    const agent = known ?? { ...draft, suspended: null, createdAt: Date.now(), version: 1 }
    if (known && writeBody(draftOf(known)) !== writeBody(draftOf(draft)))
      return { outcome: 'refused', reason: 'exists' }
    return known ? this.#configureLine(known) : this.#put(agent, null, 'agent.create', who)
  }

  /** Changes an agent and updates its credit line. @throws as {@link create} */
  async change(id: string, change: AgentChange, who: string): Promise<Registered> {
    const known = this.#find(id)
    if (!known) return { outcome: 'refused', reason: 'unknown' }
    const terms = { ...known.terms, ...change.terms }
    return this.#put({ ...known, ...change, terms, version: known.version + 1 }, known, 'agent.change', who)
  }

  /** Suspends an agent for a reason; null resumes it. Idempotent. @throws as {@link create} */
  async suspend(id: string, reason: string | null, who: string): Promise<Registered> {
    const known = this.#find(id)
    if (!known) return { outcome: 'refused', reason: 'unknown' }
    if (known.suspended === reason) return this.#configureLine(known)
    const agent = { ...known, suspended: reason, version: known.version + 1 }
    return this.#put(agent, known, reason === null ? 'agent.resume' : 'agent.suspend', who)
  }

  /** Returns one agent, or null if it was not found. */
  async get(id: string): Promise<Agent | null> {
    return this.#find(id)
  }

  /** Returns up to `limit` agents with `id > after` (`''` for the first page), in order of id. */
  async list(after: string, limit: number): Promise<Agent[]> {
    return this.#read('SELECT record FROM agent WHERE id > ? ORDER BY id LIMIT ?', after, limit)
  }

  /** Returns the number of agents. */
  async count(): Promise<number> {
    return Number(this.ctx.storage.sql.exec('SELECT count(*) AS agents FROM agent').one().agents)
  }

  /**
   * Finds an agent by the URL it signs; if that URL is not registered, by a pinned key among agents without a
   * URL.
   *
   * Threat: a request that names one agent's URL must never match another agent that has its own URL.
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

  /**
   * Returns the index of all agents; null if it is still the one with the id `known`. Built at the first call after a change.
   */
  async index(known: string | null): Promise<AgentIndex | null> {
    this.#index ??= packIndex(this.#all())
    return this.#index.id === known ? null : this.#index
  }

  /** Writes an audit event for an operation outside the registry. Workers without the object `Audit` call it. */
  async note(act: NewAct): Promise<void> {
    this.#note(act)
  }

  /** Returns up to `limit` audit events with `seq > after`, oldest first. */
  async acts(after: number, limit: number): Promise<Act[]> {
    return this.ctx.storage.sql
      .exec<Act>('SELECT * FROM act WHERE seq > ? ORDER BY seq LIMIT ?', after, limit)
      .toArray()
  }

  /** Acts of a filter, the newest first: for deployments that keep their audit log here. */
  async search(filter: ActFilter, before: number, limit: number): Promise<Act[]> {
    return this.ctx.storage.sql.exec<Act>(...findActs(filter, before, limit)).toArray()
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
    this.#index = null
    return this.#configureLine(agent)
  }

  /**
   * Updates the credit line, which alone refuses charges: a suspension holds at once, whatever caches still
   * contain.
   */
  async #configureLine(agent: Agent): Promise<Registered> {
    await this.env.LINES.getByName(agent.id).configure(enrolmentOf(agent))
    return { outcome: 'registered', agent }
  }

  #note({ who, what, subject, before, after }: NewAct): void {
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

  *#all(): Iterable<Agent> {
    const cursor = this.ctx.storage.sql.exec('SELECT record FROM agent ORDER BY id LIMIT ?', MAX_INDEXED)
    for (const { record } of cursor) yield readBody<Agent>(String(record))
  }

  #read(query: string, ...bindings: SqlStorageValue[]): Agent[] {
    return this.ctx.storage.sql
      .exec(query, ...bindings)
      .toArray()
      .map(({ record }) => readBody<Agent>(String(record)))
  }
}

function draftOf({ id, name, url, keys, terms }: AgentDraft): AgentDraft {
  return { id, name, url, keys, terms }
}
