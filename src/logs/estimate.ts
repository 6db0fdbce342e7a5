/** The price of a page under the terms that depend on what the crawler has fetched before. Pure. */
import type { Asker } from '../identity/classify.ts'
import type { Decision } from '../paywall/policy.ts'
import { DAY_MS, MINUTE_MS } from '../platform/time.ts'
import { type Pages, PageTable } from './pages.ts'

/** One crawler's pages under one rule: those that were free by day, and the minute in which the others were paid. */
export type History = { free: Map<number, PageTable>; paidAt: PageTable }

/** The terms that the estimate reads. */
type Priced = Pick<Decision, 'price'> & { freePages?: number; recrawlMs?: number }

/** A history without pages. */
export function newHistory(): History {
  return { free: new Map(), paidAt: new PageTable() }
}

/**
 * The price of one request, if the crawler pays for all that is not free: 0 for a page within its quota of the day (UTC) and
 * within the re-crawl window of a page that it has paid for. Without a time both are charged, as is all beyond the
 * limits of `pages`. `time` in Unix milliseconds.
 */
export function estimate(
  { price, freePages, recrawlMs }: Priced,
  asker: Asker,
  { free, paidAt }: History,
  page: number,
  time: number | null,
  pages: Pages,
): bigint {
  if (time === null) return price
  if (freePages !== undefined && asker.claim === 'confirmed') {
    const day = Math.floor(time / DAY_MS)
    const today = free.get(day) ?? new PageTable()
    free.set(day, today)
    if (today.get(page) !== undefined) return 0n
    if (today.size < freePages && pages.put(today, page) === 'new') return 0n
  }
  if (recrawlMs === undefined) return price
  // Whole minutes fit into 32 bits. A window is counted in hours.
  const minute = Math.floor(time / MINUTE_MS)
  const paid = paidAt.get(page)
  if (paid !== undefined && minute >= paid && minute - paid < recrawlMs / MINUTE_MS) return 0n
  pages.put(paidAt, page, minute)
  return price
}
