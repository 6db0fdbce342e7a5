/** The age of a page. Pure. */
import type { DateOf } from './dates.ts'
import type { OriginFacts } from './origin-price.ts'

/** Where the dates of pages come from: their paths, the sitemaps, then the origin. */
export type Dates = {
  inPath: DateOf | undefined
  /** URLs of the sitemaps that the cron reads. */
  sitemaps: readonly string[]
  asksOrigin: boolean
}

/** The part of a request that the age of a page is found from. */
export type Dated = {
  path: { match: string }
  /** Unix milliseconds. Without it no page has an age. */
  now?: number
  dates?: Dates | undefined
  /** The dates that the sitemaps state. */
  dated?: DateOf | undefined
  /** The origin's statement about the page; undefined until it was asked. */
  origin?: OriginFacts | undefined
  /** Takes the note that only the origin can decide. */
  lacks?: { origin: boolean }
}

/** When a page was published, in Unix milliseconds: by its path, the sitemap, or the origin. Undefined without a date. */
export function publishedAt({ path, dates, dated, origin, lacks }: Dated): number | undefined {
  const known = dates?.inPath?.(path.match) ?? dated?.(path.match)
  if (known !== undefined || !dates?.asksOrigin) return known
  if (!origin && lacks) lacks.origin = true
  return origin?.published ?? undefined
}

/** The age of a page in milliseconds; 0 for a date in the future, undefined without a date or a clock. */
export function ageOf(facts: Dated): number | undefined {
  const { now } = facts
  const published = publishedAt(facts)
  return published === undefined || now === undefined ? undefined : Math.max(0, now - published)
}
