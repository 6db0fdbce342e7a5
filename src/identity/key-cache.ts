/** What is remembered of a key directory, and when it has to be asked again. Pure. */
import type { VerificationKey } from './jwk.ts'
import type { Fetched } from './jwks.ts'

/** Times in Unix milliseconds. */
export type CachedJwks = {
  keys: VerificationKey[]
  /** When it was last read; null when never. */
  readAt: number | null
  /** When it was last asked, with or without success. */
  askedAt: number
  /** Whether the last asking failed. */
  failing: boolean
  /** Until when its keys need no confirmation. */
  freshUntil: number
}

/** A directory is asked at most once in this time, whatever happens: also how long a failure or a missing key is remembered. */
export const PERIOD = 300_000
/** However long a directory wants to be cached, a key that it removes is refused after this time and the grace. */
export const LONGEST_FRESH = 3_600_000
/** How long a key is still taken while it is confirmed in the background. */
export const GRACE = 60_000
/** How long keys outlive an outage of their directory. They are not forgotten then, but no debt is made on them. */
export const LONGEST_OUTAGE = 7 * 86_400_000

/**
 * What to do before the key `wanted` is looked up: `nothing`; `ask` the directory and wait for its answer; or `confirm` it
 * later, and take the key as it is remembered.
 */
export function due(listing: CachedJwks | null, wanted: string, now: number): 'nothing' | 'ask' | 'confirm' {
  if (!listing) return 'ask'
  if (now < listing.askedAt + PERIOD) return 'nothing'
  if (!findKey(listing, wanted)) return 'ask'
  if (now < listing.freshUntil) return 'nothing'
  // During an outage nobody waits for a directory that will not answer; after a quiet time it may be well again.
  const knownToFail = listing.failing && now < listing.askedAt + 2 * PERIOD
  return knownToFail || now < listing.freshUntil + GRACE ? 'confirm' : 'ask'
}

/** The listing after an asking. One that was read replaces the old, so that a key it lacks is gone; a failure takes nothing away. */
export function learn(listing: CachedJwks | null, fetched: Fetched, now: number): CachedJwks {
  if (fetched.outcome === 'failed') {
    const known = listing ?? { keys: [], readAt: null, freshUntil: 0 }
    return { ...known, askedAt: now, failing: true }
  }
  const fresh = Math.min(Math.max((fetched.maxAge ?? 0) * 1000, PERIOD), LONGEST_FRESH)
  return { keys: fetched.keys, readAt: now, askedAt: now, failing: false, freshUntil: now + fresh }
}

/** The key, or why there is none: `unknown` when the directory was read and lacks it, `undecided` when that cannot be said. */
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
