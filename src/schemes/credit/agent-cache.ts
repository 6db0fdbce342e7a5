/** The agents with credit, cached per isolate: a request of a cached agent does not ask the registry. */
import type { DirectoryReader } from '../../identity/directory.ts'
import { readKey, type VerificationKey } from '../../identity/jwk.ts'
import { type FindKey, keysOf, type AgentIdentity as Signer } from '../../identity/keys.ts'
import { type Agent, type Agents, REGISTRY } from '../../ledger/credit/agents.ts'

/** The registry and its rate limit. */
export type RosterPorts = {
  agents: DurableObjectNamespace<Agents>
  /** Whether one more unknown claim may be looked up now: a client that sends a new name with each request must not load the registry. */
  mayAsk: () => Promise<boolean>
}

/** How long an entry is used. A suspension takes effect at once all the same: the credit line itself refuses. */
const FRESH_MS = 30_000
const MAX_ENTRIES = 2000

/** How long a request waits for another one with the same lookup, and how often it polls. */
const SHARED_LOOKUP_MS = 500
const POLL_MS = 5

/** The identity that a signature asserts: the URL of its agent, and the thumbprint of its key. */
type Claim = { url: string | null; keyId: string }

/** An agent, and what its signatures are held against. */
export type Member = { agent: Agent; signer: Signer }

/** A cache of registered agents by URL and by key, and of claims that match none. */
export class Roster {
  readonly #ports: RosterPorts
  readonly #known = new Map<string, { member: Member | null; until: number }>()
  /** Claims being looked up, and until when others wait for that. A request that was cancelled takes none of its own away. */
  readonly #asked = new Map<string, number>()

  constructor(ports: RosterPorts) {
    this.#ports = ports
  }

  /** Finds the agent; null if it is not registered, `undecided` if the lookup limit is reached. `now`: Unix milliseconds. */
  async find(claim: Claim, now: number): Promise<Member | null | 'undecided'> {
    const known = this.#recallAny(claim, now)
    if (known !== undefined) return known
    // Refreshing a known agent does not use up the limit for unknown ones.
    if (this.known(claim)) return this.#ask(claim, now)
    // A crawler begins with many requests at once: they are one unknown claim, not many.
    const name = namesOf(claim).join(' ')
    if (this.#asked.has(name)) {
      await this.#wait(name, now)
      const cached = this.#recallAny(claim, now)
      if (cached !== undefined) return cached
    }
    this.#asked.set(name, now + SHARED_LOOKUP_MS)
    try {
      return (await this.#ports.mayAsk()) ? await this.#ask(claim, now) : 'undecided'
    } finally {
      this.#asked.delete(name)
    }
  }

  /** The agent of the last lookup, however old. */
  known(claim: Claim): Member | null {
    const [byUrl, byKey] = namesOf(claim)
    return this.#known.get(byUrl)?.member ?? this.#known.get(byKey)?.member ?? null
  }

  /** Polls. Trap: awaiting another request's promise may hang, since that request can be cancelled. */
  async #wait(name: string, now: number): Promise<void> {
    for (let waited = 0; (this.#asked.get(name) ?? 0) > now + waited; waited += POLL_MS) {
      await new Promise((resume) => setTimeout(resume, POLL_MS))
    }
  }

  async #ask(claim: Claim, now: number): Promise<Member | null> {
    const { url, keyId } = claim
    const [byUrl, byKey] = namesOf(claim)
    const agent = await this.#ports.agents.getByName(REGISTRY).find({ url, keyId })
    const member = agent && { agent, signer: signerOf(agent) }
    const isNamed = url !== null && agent?.url === url
    this.#store(byUrl, isNamed ? member : null, now)
    if (!isNamed) this.#store(byKey, member, now)
    return member
  }

  #recallAny(claim: Claim, now: number): Member | null | undefined {
    const [byUrl, byKey] = namesOf(claim)
    const named = claim.url === null ? null : this.#recall(byUrl, now)
    if (named) return named
    const keyed = this.#recall(byKey, now)
    return named === null ? keyed : undefined
  }

  #recall(claim: string, now: number): Member | null | undefined {
    const known = this.#known.get(claim)
    return known && now < known.until ? known.member : undefined
  }

  #store(claim: string, member: Member | null, now: number): void {
    this.#known.delete(claim)
    this.#known.set(claim, { member, until: now + FRESH_MS })
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_ENTRIES && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** The keys of the agents on a roster. `directories` opens the object of an agent's URL. */
export function signersOf(roster: Roster, directories: (url: string) => DirectoryReader): FindKey {
  const keys = keysOf((claim) => roster.known(claim)?.signer ?? null, directories)
  return async (claim, now) => {
    const member = await roster.find(claim, now)
    return member === 'undecided' ? 'directory_unavailable' : keys(claim, now)
  }
}

function namesOf({ url, keyId }: Claim): [string, string] {
  return [`url ${url}`, `key ${keyId}`]
}

/** Leaves out pinned keys that the current rules reject. */
function signerOf({ id, url, keys }: Agent): Signer {
  const pinned = keys
    ?.map(({ jwk }) => readKey(jwk))
    .filter((key): key is VerificationKey => typeof key !== 'string')
  return { id, url, keys: pinned ?? null }
}
