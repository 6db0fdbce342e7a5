/** Tables of pages in bounded memory. Pure. */

/** One table takes so many pages. */
const MAX_PAGES_PER_TABLE = 100_000
/** All tables of one trial together take so many: at most 32 bytes each. */
const MAX_PAGES = 500_000

/** Adds pages to tables, and keeps all of them within one limit. */
export class Pages {
  #left: number
  readonly #perTable: number

  /** The limits are for tests. */
  constructor(limit = MAX_PAGES, perTable = MAX_PAGES_PER_TABLE) {
    this.#left = limit
    this.#perTable = perTable
  }

  /**
   * Stores a value for a page: `new`, `known`, or `full` where the table may not grow and nothing says whether the page is
   * new.
   */
  put(table: PageTable, page: number, value = 0): 'new' | 'known' | 'full' {
    const isKnown = table.get(page) !== undefined
    if (!isKnown && (this.#left <= 0 || table.size >= this.#perTable)) return 'full'
    if (!isKnown) this.#left--
    table.set(page, value)
    return isKnown ? 'known' : 'new'
  }
}

/**
 * Whole numbers of 32 bits by page, with open addressing. A `Map` needs several times the memory, and the garbage of its
 * growth as much again.
 */
export class PageTable {
  size = 0
  #keys = new Int32Array(8)
  #values = new Int32Array(8)

  /** The value of a page; undefined where the table lacks it. */
  get(page: number): number | undefined {
    const at = this.#slotOf(page)
    return this.#keys[at] === 0 ? undefined : this.#values[at]
  }

  /** Stores a value for a page. */
  set(page: number, value: number): void {
    const at = this.#slotOf(page)
    const isNew = this.#keys[at] === 0
    this.#keys[at] = keyOfPage(page)
    this.#values[at] = value
    if (isNew && ++this.size * 2 > this.#keys.length) this.#grow()
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    this.#keys = new Int32Array(keys.length * 2)
    this.#values = new Int32Array(keys.length * 2)
    for (const [at, key] of keys.entries()) {
      if (key === 0) continue
      const slot = this.#slotOf(key)
      this.#keys[slot] = key
      this.#values[slot] = values[at] ?? 0
    }
  }

  /** The slot of a page, or the free one where it belongs. Half of all slots are free. */
  #slotOf(page: number): number {
    const key = keyOfPage(page)
    const mask = this.#keys.length - 1
    let at = key & mask
    while (this.#keys[at] !== 0 && this.#keys[at] !== key) at = (at + 1) & mask
    return at
  }
}

/** 0 marks a free slot, so the page 0 has the key of page 1. */
function keyOfPage(page: number): number {
  return page === 0 ? 1 : page
}

/** A page as 32 bits of a hash (FNV-1a, mixed at its end as in MurmurHash3). Of 100,000 pages, about one shares its number. */
export function pageNumber(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
