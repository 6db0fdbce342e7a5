/** The cost of a crawler by design, in micro-dollars. Anything above it is a breach. */
import type { CrawlerName } from './crawlers/crawler.ts'

/** Crawlers that may win a race or default within their limit. All others cost nothing. */
const EXPOSURE: Partial<Record<CrawlerName, bigint>> = {}

/** The most that a crawler may get without paying. */
export function exposureOf(name: CrawlerName): bigint {
  return EXPOSURE[name] ?? 0n
}
