/** The cached JWKS of a key directory, and when to fetch it again. Pure. */
import type { VerificationKey } from './jwk.ts'
import type { Fetched } from './jwks.ts'

/** A cached JWKS. Times in Unix milliseconds. */
export type CachedJwks = {
  keys: VerificationKey[]
  /** When it was last fetched with success; null if never. */
  readAt: number | null
  /** When it was last fetched, with or without success. */
  askedAt: number
  /** Whether the last fetch failed. */
  failing: boolean
  /** Before this time, its keys need no confirmation. */
  freshUntil: number
}

/** The minimum time between two fetches of a directory. A failure or a missing key is cached for it too. */
export const PERIOD = 300_000
/** The maximum cache time. A key that a directory removes is rejected after this time plus the grace period. */
export const LONGEST_FRESH = 3_600_000
/** The time for which a key is accepted while a fetch in the background confirms it. */
export const GRACE = 60_000
/** The time for which keys stay valid in an outage of their directory. Later they stay cached, but get no credit. */
export const LONGEST_OUTAGE = 7 * 86_400_000

/**
 * The action before a lookup of the key `wanted`. `ask`: fetch the directory and wait. `confirm`: fetch it in the
 * background and use the cached key. `nothing`: use the cache.
 */
export function due(listing: CachedJwks | null, wanted: string, now: number): 'nothing' | 'ask' | 'confirm' {
  if (!listing) return 'ask'
  if (now < listing.askedAt + PERIOD) return 'nothing'
  if (!findKey(listing, wanted)) return 'ask'
  if (now < listing.freshUntil) return 'nothing'
  // During an outage, do not wait for a directory that will not answer. After two periods it may have recovered.
  const knownToFail = listing.failing && now < listing.askedAt + 2 * PERIOD
  return knownToFail || now < listing.freshUntil + GRACE ? 'confirm' : 'ask'
}

/** The cache after a fetch. A success replaces it, so removed keys are gone; a failure keeps its keys. */
export function learn(listing: CachedJwks | null, fetched: Fetched, now: number): CachedJwks {
  if (fetched.outcome === 'failed') {
    const known = listing ?? { keys: [], readAt: null, freshUntil: 0 }
    return { ...known, askedAt: now, failing: true }
  }
  const fresh = Math.min(Math.max((fetched.maxAge ?? 0) * 1000, PERIOD), LONGEST_FRESH)
  return { keys: fetched.keys, readAt: now, askedAt: now, failing: false, freshUntil: now + fresh }
}

/** The cached key. `unknown`: the directory lacks it. `undecided`: the directory could not be read. */
export function lookUp(
  listing: CachedJwks,
  wanted: string,
  now: number,
): VerificationKey | 'unknown' | 'undecided' {
  if (listing.readAt === null || now > listing.readAt + LONGEST_OUTAGE) return 'undecided'
  return findKey(listing, wanted) ?? (listing.failing ? 'undecided' : 'unknown')
}

function findKey({ keys }: CachedJwks, wanted: string): VerificationKey | undefined {
  return keys.find(({ keyId }) => keyId === wanted)
}
