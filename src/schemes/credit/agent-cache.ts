/** Which agents have credit, as this isolate remembers the registry: a request of a known agent does not ask for it. */
import type { DirectoryReader } from '../../identity/directory.ts'
import { readKey, type VerificationKey } from '../../identity/jwk.ts'
import { type FindKey, keysOf, type AgentIdentity as Signer } from '../../identity/keys.ts'
import { type Agent, type Agents, REGISTRY } from '../../ledger/credit/agents.ts'

export type RosterPorts = {
  agents: DurableObjectNamespace<Agents>
  /** Whether one more unknown claim may be looked up now: who claims a new name with each request must not load the registry. */
  mayAsk: () => Promise<boolean>
}

/** How long the registry's word is believed. A suspension does not wait for it: the line itself refuses. Milliseconds. */
const FRESH = 30_000
const MOST = 2000

/** How long a request waits for another one that asks the same, and how often it looks. Milliseconds. */
const SHARED_LOOK_MS = 500
const LOOK = 5

/** What a signature claims: the URL of its agent, and the thumbprint of its key. */
type Claim = { url: string | null; keyId: string }

/** An agent, and what its signatures are held against. */
export type Member = { agent: Agent; signer: Signer }

export class Roster {
  readonly #ports: RosterPorts
  readonly #known = new Map<string, { member: Member | null; until: number }>()
  /** Claims being looked up, and until when others wait for that. A request that was cancelled takes none of its own away. */
  readonly #asked = new Map<string, number>()

  constructor(ports: RosterPorts) {
    this.#ports = ports
  }

  /** Who makes the claim; null when nobody here does, `undecided` when that may not be asked now. `now` in Unix ms. */
  async find(claim: Claim, now: number): Promise<Member | null | 'undecided'> {
    const known = this.#recallAny(claim, now)
    if (known !== undefined) return known
    // Who was known and is only to be confirmed does not count as unknown.
    if (this.known(claim)) return this.#ask(claim, now)
    // A crawler begins with many requests at once: they are one unknown claim, not many.
    const name = namesOf(claim).join(' ')
    if (this.#asked.has(name)) {
      await this.#wait(name, now)
      const heard = this.#recallAny(claim, now)
      if (heard !== undefined) return heard
    }
    this.#asked.set(name, now + SHARED_LOOK_MS)
    try {
      return (await this.#ports.mayAsk()) ? await this.#ask(claim, now) : 'undecided'
    } finally {
      this.#asked.delete(name)
    }
  }

  /** Who made the claim when it was last looked up. */
  known(claim: Claim): Member | null {
    const [byUrl, byKey] = namesOf(claim)
    return this.#known.get(byUrl)?.member ?? this.#known.get(byKey)?.member ?? null
  }

  /** Looks again and again: a promise of another request may never be kept, since that one can be cancelled. */
  async #wait(name: string, now: number): Promise<void> {
    for (let waited = 0; (this.#asked.get(name) ?? 0) > now + waited; waited += LOOK) {
      await new Promise((resume) => setTimeout(resume, LOOK))
    }
  }

  async #ask(claim: Claim, now: number): Promise<Member | null> {
    const { url, keyId } = claim
    const [byUrl, byKey] = namesOf(claim)
    const agent = await this.#ports.agents.getByName(REGISTRY).find({ url, keyId })
    const member = agent && { agent, signer: signerOf(agent) }
    const isNamed = url !== null && agent?.url === url
    this.#remember(byUrl, isNamed ? member : null, now)
    if (!isNamed) this.#remember(byKey, member, now)
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

  #remember(claim: string, member: Member | null, now: number): void {
    this.#known.delete(claim)
    this.#known.set(claim, { member, until: now + FRESH })
    const [oldest] = this.#known.keys()
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest)
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

/** What is no key (any more) signs nothing. */
function signerOf({ id, url, keys }: Agent): Signer {
  const pinned = keys
    ?.map(({ jwk }) => readKey(jwk))
    .filter((key): key is VerificationKey => typeof key !== 'string')
  return { id, url, keys: pinned ?? null }
}
