/** Whose key signed: the registered agent behind a claim, and its key, pinned or from its directory. */
import type { DirectoryReader } from './directory.ts'
import { type Algorithm, importKey, type VerificationKey } from './jwk.ts'
import { type CachedJwks, due, lookUp } from './key-cache.ts'
import type { UnverifiedReason } from './verdict.ts'

/** An agent as the operator registered it. `keys` are pinned: where they are, nothing is ever fetched. */
export type AgentIdentity = {
  id: string
  /** As `readAgentUrl` writes it; null when the agent is known by its keys alone. */
  url: string | null
  keys: readonly VerificationKey[] | null
}

/** What a signature claims. `host` is the site that was asked, which is nobody's directory. */
export type AssertedIdentity = { url: string | null; keyId: string; host: string }

/**
 * Finds a registered agent: by the URL it claims, else (when nobody registered that URL, or none is claimed) among those
 * that have no URL by the thumbprint of a pinned key.
 */
export type Registry = (
  claim: Pick<AssertedIdentity, 'url' | 'keyId'>,
) => AgentIdentity | null | Promise<AgentIdentity | null>

/** A key that can verify, and whose it is. */
export type Key = { agent: string; url: string | null; algorithm: Algorithm; key: CryptoKey }

export type Missing = Exclude<UnverifiedReason, 'unsigned'> | 'key_unknown' | 'key_not_current'

/** `now` in Unix milliseconds. */
export type FindKey = (claim: AssertedIdentity, now: number) => Promise<Key | Missing>

/** How much an isolate remembers; it may forget at any time. */
const MOST = 1000
/** How far the clocks of a signer or a publisher of keys and ours may be apart. */
export const CLOCK_SKEW_SECONDS = 10

/**
 * The keys of registered agents. Looks are keyed by (URL, thumbprint), never by thumbprint alone: else one agent's key would
 * speak for another's name. `directories` opens the object of an agent's URL.
 */
export function keysOf(registry: Registry, directories: (url: string) => DirectoryReader): FindKey {
  const listings = new Map<string, CachedJwks>()
  // A thumbprint is a hash of the whole key, so that whoever published it, it is the same key.
  const imported = new Map<string, CryptoKey | null>()

  async function readListing(url: string, keyId: string, now: number): Promise<CachedJwks | null> {
    const known = listings.get(url)
    if (known && due(known, keyId, now) === 'nothing') return known
    try {
      return remember(listings, url, await directories(url).read(url, keyId))
    } catch (fault) {
      console.error(JSON.stringify({ message: 'a directory object cannot be read', fault: String(fault) }))
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
    const key = known === undefined ? remember(imported, keyId, await importKey(found)) : known
    return key ? { agent: agent.id, url: agent.url, algorithm, key } : 'key_unknown'
  }
}

/** A registry of agents that are all at hand. */
export function registryOf(agents: readonly AgentIdentity[]): Registry {
  const byUrl = new Map<string, AgentIdentity>()
  const byKey = new Map<string, AgentIdentity>()
  for (const agent of agents) {
    if (agent.url !== null) byUrl.set(agent.url, agent)
    else for (const { keyId } of agent.keys ?? []) byKey.set(keyId, agent)
  }
  return ({ url, keyId }) => (url === null ? undefined : byUrl.get(url)) ?? byKey.get(keyId) ?? null
}

function remember<Value>(memory: Map<string, Value>, name: string, value: Value): Value {
  memory.delete(name)
  memory.set(name, value)
  const [oldest] = memory.keys()
  if (memory.size > MOST && oldest !== undefined) memory.delete(oldest)
  return value
}
