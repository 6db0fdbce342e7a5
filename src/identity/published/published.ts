/** The verdict of published lists about an address: those that a cron has stored, or the shipped copy. Pure. */
import type { Listed, Published } from '../claim.ts'
import type { StoredList } from './list.ts'
import { compileRanges, contains, keyOf, type Ranges, rangeOf } from './ranges.ts'
import { SHIPPED, SOURCES } from './sources.ts'

/** The stored lists by their URL. */
export type StoredLists = Readonly<Record<string, StoredList>>

/** An older list still confirms and refutes nothing: its operator may have moved since. Milliseconds. */
export const REFUTES_FOR_MS = 7 * 86_400_000

/** How many look-ups are kept, since a crawler's fleet asks again. Beyond it all are dropped, and looked up again. */
const MAX_KEPT = 1_000

/** A list as a look-up needs it. */
type Known = { ranges: Ranges; refutesUntil: number }

/**
 * Looks addresses up in the lists of a crawler's operator. An address in one of them is `listed`. It is `unlisted` only if
 * every list of the crawler is fresh. `now` in Unix milliseconds.
 */
export function publishedIn(stored: StoredLists, now: () => number): Published {
  const byCrawler = new Map<string, readonly Known[]>()
  const kept = new Map<string, boolean>()
  return (crawler, address): Listed => {
    const lists = byCrawler.get(crawler) ?? listsOf(crawler, stored)
    byCrawler.set(crawler, lists)
    if (lists.length === 0) return 'unknown'
    const name = `${crawler} ${address}`
    let isListed = kept.get(name)
    if (isListed === undefined) {
      const key = keyOf(address)
      if (key === null) return 'unknown'
      isListed = lists.some(({ ranges }) => contains(ranges, key))
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(name, isListed)
    }
    if (isListed) return 'listed'
    return lists.every(({ refutesUntil }) => now() <= refutesUntil) ? 'unlisted' : 'unknown'
  }
}

/** The lists that may name a crawler's addresses. Few crawlers ask for a site, so each is looked up when it first does. */
function listsOf(crawler: string, stored: StoredLists): readonly Known[] {
  const sources = SOURCES.filter(({ crawlers }) => crawlers.some((name) => name === crawler))
  return sources.map(({ url }) => knownList(stored[url], SHIPPED[url]))
}

/** The copy counts only until a list is stored, and is compiled when it is first needed. */
function knownList(stored: StoredList | undefined, shipped: string | undefined): Known {
  if (stored && stored.fetchedAt > 0)
    return { ranges: stored.ranges, refutesUntil: stored.fetchedAt + REFUTES_FOR_MS }
  const ranges = (shipped?.split(' ') ?? []).flatMap((prefix) => rangeOf(prefix) ?? [])
  return { ranges: compileRanges(ranges), refutesUntil: 0 }
}
