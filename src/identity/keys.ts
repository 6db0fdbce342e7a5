/** Finds the registered agent for an asserted identity, and its key, pinned or from its directory. */
import { log } from '../platform/log.ts'
import type { DirectoryReader } from './directory.ts'
import { type Algorithm, importKey, type VerificationKey } from './jwk.ts'
import { type CachedJwks, due, lookUp } from './key-cache.ts'
import type { UnverifiedReason } from './verdict.ts'

/** An agent as registered by the operator. If `keys` are pinned, its directory is not fetched. */
export type AgentIdentity = {
  id: string
  /** Normalised by `readAgentUrl`; null for an agent with pinned keys only. */
  url: string | null
  keys: readonly VerificationKey[] | null
}

/** The identity that a signature asserts. `host` is the requested site, which must not be an agent's directory. */
export type AssertedIdentity = { url: string | null; keyId: string; host: string }

/**
 * Finds a registered agent by its asserted URL. Without such a URL or registration, finds it by the thumbprint of a pinned
 * key among the agents without URL.
 */
export type Registry = (
  claim: Pick<AssertedIdentity, 'url' | 'keyId'>,
) => AgentIdentity | null | Promise<AgentIdentity | null>

/** A key for verification, and its agent. */
export type Key = { agent: string; url: string | null; algorithm: Algorithm; key: CryptoKey }

/** Why the key of a signature could not be found. */
export type Missing = Exclude<UnverifiedReason, 'unsigned'> | 'key_unknown' | 'key_not_current'

/** Finds the key for an asserted identity. `now` in Unix milliseconds. */
export type FindKey = (claim: AssertedIdentity, now: number) => Promise<Key | Missing>

/** The size of an isolate's caches. Safe to lose. */
const MAX_CACHED = 1000
/** The accepted difference between our clock and a signer's or key publisher's. */
export const CLOCK_SKEW_SECONDS = 10

/**
 * Looks up keys of registered agents. Trap: look up by URL and thumbprint, never by thumbprint alone. Otherwise one agent's
 * key could sign for another agent. `directories` opens the object of an agent's URL.
 */
export function keysOf(registry: Registry, directories: (url: string) => DirectoryReader): FindKey {
  const listings = new Map<string, CachedJwks>()
  // A thumbprint is a hash of the whole key, so equal thumbprints from any publisher mean the same key.
  const imported = new Map<string, CryptoKey | null>()

  async function readListing(url: string, keyId: string, now: number): Promise<CachedJwks | null> {
    const known = listings.get(url)
    if (known && due(known, keyId, now) === 'nothing') return known
    try {
      return store(listings, url, await directories(url).read(url, keyId))
    } catch (fault) {
      log('directory_object_unreadable', { fault })
      return known ? { ...known, failing: true } : null
    }
  }

  async function publicKey(
    agent: AgentIdentity,
    { keyId, host }: AssertedIdentity,
    now: number,
  ): Promise<VerificationKey | Missing> {
    if (agent.keys) return agent.keys.find((key) => key.keyId === keyId) ?? 'key_unknown'
    if (agent.url === null || new URL(agent.url).host === host) return 'agent_unknown'
    const listing = await readListing(agent.url, keyId, now)
    const found = listing ? lookUp(listing, keyId, now) : 'undecided'
    if (found === 'unknown') return 'key_unknown'
    return found === 'undecided' ? 'directory_unavailable' : found
  }

  return async (claim, now) => {
    const agent = await registry(claim)
    if (!agent) return 'agent_unknown'
    const found = await publicKey(agent, claim, now)
    if (typeof found === 'string') return found
    const { keyId, algorithm, notBefore, expires } = found
    const early = notBefore !== null && now + CLOCK_SKEW_SECONDS * 1000 < notBefore * 1000
    if (early || (expires !== null && now >= expires * 1000)) return 'key_not_current'
    const known = imported.get(keyId)
    const key = known === undefined ? store(imported, keyId, await importKey(found)) : known
    return key ? { agent: agent.id, url: agent.url, algorithm, key } : 'key_unknown'
  }
}

/** A registry of the given agents. */
export function registryOf(agents: readonly AgentIdentity[]): Registry {
  const byUrl = new Map<string, AgentIdentity>()
  const byKey = new Map<string, AgentIdentity>()
  for (const agent of agents) {
    if (agent.url !== null) byUrl.set(agent.url, agent)
    else for (const { keyId } of agent.keys ?? []) byKey.set(keyId, agent)
  }
  return ({ url, keyId }) => (url === null ? undefined : byUrl.get(url)) ?? byKey.get(keyId) ?? null
}

function store<Value>(memory: Map<string, Value>, name: string, value: Value): Value {
  memory.delete(name)
  memory.set(name, value)
  const [oldest] = memory.keys()
  if (memory.size > MAX_CACHED && oldest !== undefined) memory.delete(oldest)
  return value
}
