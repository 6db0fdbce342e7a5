/** The verdict of published lists about an address: those that a cron has stored, or the shipped copy. Pure. */
import type { Listed, Published } from '../claim.ts'
import type { StoredList } from './list.ts'
import { compileRanges, contains, keyOf, type Ranges, rangeOf } from './ranges.ts'
import { SHIPPED, SOURCES } from './sources.ts'

/** The stored lists by their URL. */
export type StoredLists = Readonly<Record<string, StoredList>>

/** An older list still confirms and refutes nothing: its operator may have moved since. Milliseconds. */
export const REFUTES_FOR_MS = 7 * 86_400_000

/** A list as a look-up needs it. */
type Known = { ranges: Ranges; refutesUntil: number }

/**
 * Looks addresses up in the lists of a crawler's operator. An address in one of them is `listed`. It is `unlisted` only if
 * every list of the crawler is fresh. `now` in Unix milliseconds.
 */
export function publishedIn(stored: StoredLists, now: () => number): Published {
  const lists = new Map<string, Known>()
  const byCrawler = new Map<string, string[]>()
  for (const { url, crawlers } of SOURCES)
    for (const name of crawlers) byCrawler.set(name, [...(byCrawler.get(name) ?? []), url])
  return (crawler, address): Listed => {
    const urls = byCrawler.get(crawler)
    const key = urls && keyOf(address)
    if (!key) return 'unknown'
    const known = urls.map((url) => {
      const list = lists.get(url) ?? knownList(stored[url], SHIPPED[url])
      lists.set(url, list)
      return list
    })
    if (known.some(({ ranges }) => contains(ranges, key))) return 'listed'
    return known.every(({ refutesUntil }) => now() <= refutesUntil) ? 'unlisted' : 'unknown'
  }
}

/** The copy counts only until a list is stored, and is compiled when it is first needed. */
function knownList(stored: StoredList | undefined, shipped: string | undefined): Known {
  if (stored && stored.fetchedAt > 0)
    return { ranges: stored.ranges, refutesUntil: stored.fetchedAt + REFUTES_FOR_MS }
  const ranges = (shipped?.split(' ') ?? []).flatMap((prefix) => rangeOf(prefix) ?? [])
  return { ranges: compileRanges(ranges), refutesUntil: 0 }
}
