/** The entry that the registry publishes for each host, and its key in KV. */
import type { SiteDocument } from './document.ts'

/**
 * One version of a host's site. It takes effect at `effectiveAt` (Unix milliseconds) in all isolates at once; until then
 * `previous` serves, and after it the offers of `previous` are honoured as long as they are valid.
 */
export type HostVersion = {
  /** The site's id. */
  id: string
  publisher: string
  /** The version of the site, from 1. */
  version: number
  effectiveAt: number
  /** With the publisher's receiver as RECEIVER where the terms name none. Null: the host is free from then on. */
  document: SiteDocument | null
  previous?: HostVersion
}

/** The value of a host's key. `sequence` grows with every publish of the registry: an isolate never steps back. */
export type HostEntry = HostVersion & { sequence: number }

/** The part of a KV namespace that holds the entries. */
export type HostStore = Pick<KVNamespace, 'get' | 'put'>

/** The key of a host in its one spelling. */
export function entryKey(host: string): string {
  return `site:${host}`
}

/** The longest that an offer can be valid: the most of MAX_TIMEOUT_SECONDS. Milliseconds. */
export const LONGEST_OFFER_MS = 3_600_000

/** The version in force at `now`: the newest one that has taken effect. Undefined before the first one does. */
export function versionAt(newest: HostVersion, now: number): HostVersion | undefined {
  let version: HostVersion | undefined = newest
  while (version && version.effectiveAt > now) version = version.previous
  return version
}
