/** The agents with credit, cached per isolate: a request of a cached agent does not ask the registry. */

import type { DirectoryReader } from '../../identity/directory.ts'
import { readKey, type VerificationKey } from '../../identity/jwk.ts'
import { type FindKey, keysOf, type AgentIdentity as Signer } from '../../identity/keys.ts'
import { type Agent, REGISTRY } from '../../ledger/credit/agent.ts'
import { type AgentIndex, keyName, urlName, versionIn } from '../../ledger/credit/agent-index.ts'
import type { Agents } from '../../ledger/credit/agents.ts'
import { log } from '../../platform/log.ts'

/** The registry and its rate limit. */
export type RosterPorts = {
  agents: DurableObjectNamespace<Agents>
  /** Whether one more unknown claim may be looked up now: a client that sends a new name with each request must not load the registry. */
  mayAsk: () => Promise<boolean>
}

/** When the index is read again behind the requests, and when a request waits for it. A suspension holds at once all the same: the credit line itself refuses. */
const REFRESH_MS = 15_000
const FRESH_MS = 30_000
/** How long the registry's last answers are used while it does not answer, and how often it is asked then. */
const LONGEST_OUTAGE_MS = 86_400_000
const RETRY_MS = 5_000
const TIMEOUT_MS = 2_000
/** Agents, and claims that match none. Beyond it the oldest is dropped. Two lists, so that strangers displace no agent. */
const MAX_ENTRIES = 2000

/** How long a request waits for another one with the same lookup, and how often it polls. */
const SHARED_LOOKUP_MS = 500
const POLL_MS = 5
const INDEX = 'index'

/** The identity that a signature asserts: the URL of its agent, and the thumbprint of its key. */
type Claim = { url: string | null; keyId: string }

/** An agent, and what its signatures are held against. */
export type Member = { agent: Agent; signer: Signer }

/** `askedAt`: when the registry returned it. `until`: before this time it is used without the index. */
type Cached = { member: Member; askedAt: number; until: number }

/**
 * A cache of registered agents by URL and by key, and of claims that match none. The index of all agents decides who is a
 * customer: only claims that it does not list count against the limit (faults: H1).
 */
export class Roster {
  readonly #ports: RosterPorts
  readonly #maxEntries: number
  readonly #members = new Map<string, Cached>()
  /** Claims that match no agent, and until when. */
  readonly #missed = new Map<string, number>()
  /** Lookups in progress, and until when others wait for them. A request that was cancelled takes none of its own away. */
  readonly #asked = new Map<string, number>()
  #index: (AgentIndex & { readAt: number }) | null = null
  #retryAt = Number.NEGATIVE_INFINITY

  constructor(ports: RosterPorts, maxEntries = MAX_ENTRIES) {
    this.#ports = ports
    this.#maxEntries = maxEntries
  }

  /**
   * Finds the agent; null if it is not registered, `undecided` if the lookup limit is reached. `now`: Unix milliseconds.
   * @throws when the registry does not answer and the agent was not found within the last day
   */
  async find(claim: Claim, now: number): Promise<Member | null | 'undecided'> {
    await this.#refresh(now)
    const known = this.#recall(claim, now)
    if (known !== undefined) return known
    // A crawler begins with many requests at once: they are one lookup, not many.
    const name = `${claim.url} ${claim.keyId}`
    if (this.#isAsked(name, now)) {
      await this.#wait(name, now)
      const shared = this.#recall(claim, now)
      if (shared !== undefined) return shared
    }
    this.#asked.set(name, now + SHARED_LOOKUP_MS)
    try {
      const isCustomer = this.#listed(claim) !== null || this.known(claim) !== null
      return isCustomer || (await this.#ports.mayAsk()) ? await this.#ask(claim, now) : 'undecided'
    } catch (fault) {
      return this.#keep(claim, now, fault)
    } finally {
      this.#asked.delete(name)
    }
  }

  /** The agent of the last lookup, however old. */
  known(claim: Claim): Member | null {
    return this.#cached(claim)?.member ?? null
  }

  /** Reads the index when it is due, and waits for it only when it is too old to be used. */
  async #refresh(now: number): Promise<void> {
    const age = () => now - (this.#index?.readAt ?? Number.NEGATIVE_INFINITY)
    const isDue = () => age() >= REFRESH_MS && now >= this.#retryAt
    if (!isDue()) return
    if (age() < FRESH_MS) {
      if (!this.#isAsked(INDEX, now)) this.#readIndex(now).catch(warn)
      return
    }
    if (this.#isAsked(INDEX, now)) await this.#wait(INDEX, now)
    if (isDue()) await this.#readIndex(now)
  }

  async #readIndex(now: number): Promise<void> {
    this.#asked.set(INDEX, now + SHARED_LOOKUP_MS)
    // With an older index, one request at a time waits for a registry that does not answer.
    if (this.#index) this.#retryAt = now + RETRY_MS
    try {
      const read = await answered(this.#registry().index(this.#index?.id ?? null))
      const index = read ?? this.#index
      this.#index = index && { id: index.id, rows: index.rows, readAt: now }
      this.#retryAt = Number.NEGATIVE_INFINITY
    } catch (fault) {
      this.#retryAt = now + RETRY_MS
      warn(fault)
    } finally {
      this.#asked.delete(INDEX)
    }
  }

  async #ask(claim: Claim, now: number): Promise<Member | null> {
    const { url, keyId } = claim
    const agent = await answered(this.#registry().find({ url, keyId }))
    const isNamed = url !== null && agent?.url === url
    if (url !== null && !isNamed) this.#miss(urlName(url), now)
    const name = isNamed ? urlName(url) : keyName(keyId)
    if (!agent) {
      this.#miss(name, now)
      return null
    }
    const member = { agent, signer: signerOf(agent) }
    // A registration or change that is younger than the index.
    const isListed = this.#index !== null && versionIn(this.#index, name) === agent.version
    this.#missed.delete(name)
    this.#put(this.#members, name, { member, askedAt: now, until: isListed ? now : now + FRESH_MS })
    return member
  }

  /** An agent stays known while the registry does not answer. @throws the fault for any other claim */
  #keep(claim: Claim, now: number, fault: unknown): Member {
    const cached = this.#cached(claim)
    if (!cached || now >= cached.askedAt + LONGEST_OUTAGE_MS) throw fault
    warn(fault)
    cached.until = now + RETRY_MS
    return cached.member
  }

  /** The agent, or null for a recent miss; undefined if the registry must be asked. */
  #recall(claim: Claim, now: number): Member | null | undefined {
    const listed = this.#listed(claim)
    const cached = listed ? this.#members.get(listed.name) : this.#cached(claim)
    const missed = (name: string) => now < (this.#missed.get(name) ?? Number.NEGATIVE_INFINITY)
    if (cached && now < cached.askedAt + LONGEST_OUTAGE_MS) {
      const isListed = listed !== null && cached.member.agent.version >= listed.version
      if (isListed || now < cached.until) return cached.member
    }
    if (listed || cached) return undefined
    const isMissed = missed(keyName(claim.keyId)) && (claim.url === null || missed(urlName(claim.url)))
    return isMissed ? null : undefined
  }

  /**
   * The cached agent by the name that the index lists, else by URL, else by key. Threat: a URL that another agent may have
   * registered since must not be matched by a key, unless the registry has just returned no agent for it.
   */
  #cached({ url, keyId }: Claim): Cached | undefined {
    const named = url === null ? undefined : this.#members.get(urlName(url))
    if (named) return named
    const isKeyed = url === null || this.#missed.has(urlName(url)) || this.#index !== null
    return isKeyed ? this.#members.get(keyName(keyId)) : undefined
  }

  /** The name and version under which the index lists the claim; null if it does not. */
  #listed({ url, keyId }: Claim): { name: string; version: number } | null {
    if (!this.#index) return null
    for (const name of [...(url === null ? [] : [urlName(url)]), keyName(keyId)]) {
      const version = versionIn(this.#index, name)
      if (version !== null) return { name, version }
    }
    return null
  }

  #miss(name: string, now: number): void {
    this.#members.delete(name)
    this.#put(this.#missed, name, now + FRESH_MS)
  }

  #put<Value>(entries: Map<string, Value>, name: string, value: Value): void {
    entries.delete(name)
    entries.set(name, value)
    const [oldest] = entries.keys()
    if (entries.size > this.#maxEntries && oldest !== undefined) entries.delete(oldest)
  }

  #registry(): DurableObjectStub<Agents> {
    return this.#ports.agents.getByName(REGISTRY)
  }

  #isAsked(name: string, now: number): boolean {
    return (this.#asked.get(name) ?? Number.NEGATIVE_INFINITY) > now
  }

  /** Polls. Trap: awaiting another request's promise may hang, since that request can be cancelled. */
  async #wait(name: string, now: number): Promise<void> {
    for (let waited = 0; this.#isAsked(name, now + waited); waited += POLL_MS) {
      await new Promise((resume) => setTimeout(resume, POLL_MS))
    }
  }
}

/** The agents of a deployment as one isolate has them, and their keys: one for all its sites. */
export type Signers = { roster: Roster; findKey: FindKey }

/** Opens an empty roster with its keys. `directories` opens the object of an agent's URL. */
export function openSigners(ports: RosterPorts & { directories: (url: string) => DirectoryReader }): Signers {
  const roster = new Roster(ports)
  return { roster, findKey: signersOf(roster, ports.directories) }
}

/** The keys of the agents on a roster. `directories` opens the object of an agent's URL. */
export function signersOf(roster: Roster, directories: (url: string) => DirectoryReader): FindKey {
  const keys = keysOf((claim) => roster.known(claim)?.signer ?? null, directories)
  return async (claim, now) => {
    const member = await roster.find(claim, now)
    return member === 'undecided' ? 'directory_unavailable' : keys(claim, now)
  }
}

/** Leaves out pinned keys that the current rules reject. */
function signerOf({ id, url, keys }: Agent): Signer {
  const pinned = keys
    ?.map(({ jwk }) => readKey(jwk))
    .filter((key): key is VerificationKey => typeof key !== 'string')
  return { id, url, keys: pinned ?? null }
}

/** Rejects when the registry takes too long: a request must not hang with it. */
async function answered<Value>(answer: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the registry must answer in time')), TIMEOUT_MS)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

function warn(fault: unknown): void {
  log('agents_unreadable', { fault })
}
