/** Counts distinct pages in bounded memory. Pure. */

/** Beyond this, new pages of one crawler are not counted. */
const MAX_PAGES_PER_CRAWLER = 100_000
/** The same for all crawlers together: some 40 MB. */
const MAX_PAGES = 1_000_000

/** The pages that each crawler has asked for. */
export class Pages {
  #left: number
  readonly #perCrawler: number

  /** The limits are for tests. */
  constructor(limit = MAX_PAGES, perCrawler = MAX_PAGES_PER_CRAWLER) {
    this.#left = limit
    this.#perCrawler = perCrawler
  }

  /** Adds a page to a crawler's set: `new`, `known`, or `full` where the set may not grow and the answer is not known. */
  add(set: Set<number>, page: string): 'new' | 'known' | 'full' {
    const hash = hash32(page)
    if (set.has(hash)) return 'known'
    if (this.#left <= 0 || set.size >= this.#perCrawler) return 'full'
    this.#left--
    set.add(hash)
    return 'new'
  }
}

/**
 * A hash of 32 bits (FNV-1a, mixed at its end as in MurmurHash3): a small integer, which a set holds without an object. Of
 * 100,000 pages, about one shares the hash of another and is not counted.
 */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
