/** Sets of pages in bounded memory. Pure. */

/** A set of one crawler takes so many pages. */
const MAX_PAGES_PER_SET = 100_000
/** All sets together take so many: some 40 MB. */
const MAX_PAGES = 1_000_000

/** Adds pages to sets, and keeps all of them within one limit. */
export class Pages {
  #left: number
  readonly #perSet: number

  /** The limits are for tests. */
  constructor(limit = MAX_PAGES, perSet = MAX_PAGES_PER_SET) {
    this.#left = limit
    this.#perSet = perSet
  }

  /** Adds a page: `new`, `known`, or `full` where the set may not grow and nothing says whether the page is new. */
  add(set: Set<number>, page: number): 'new' | 'known' | 'full' {
    if (set.has(page)) return 'known'
    if (!this.#mayGrow(set)) return 'full'
    set.add(page)
    return 'new'
  }

  /** Stores a number for a page, unless the map may not grow. */
  put(map: Map<number, number>, page: number, value: number): void {
    if (map.has(page) || this.#mayGrow(map)) map.set(page, value)
  }

  #mayGrow({ size }: { size: number }): boolean {
    if (this.#left <= 0 || size >= this.#perSet) return false
    this.#left--
    return true
  }
}

/**
 * A page as 32 bits of a hash (FNV-1a, mixed at its end as in MurmurHash3): a small integer, which a set holds without an
 * object. Of 100,000 pages, about one shares the number of another and is not counted.
 */
export function pageNumber(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
