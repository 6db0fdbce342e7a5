/** The DATES of a policy: how the dates of pages are known. */
import * as v from 'valibot'
import type { Dates } from '../paywall/terms/age.ts'
import { compileDates, isZone } from '../paywall/terms/dates.ts'
import type { Expected } from '../platform/problem.ts'
import { list, onlyKeys, readWith, unpack } from '../platform/schema.ts'

/** How DATES must look. */
export const DATES_EXPECTED: Readonly<Record<string, Expected>> = {
  DATES: {
    want: 'a table with a pattern, sitemaps or origin = true',
    example: '{ pattern = "/{yyyy}/{mm}/{dd}/", zone = "Europe/Berlin" }',
  },
  'DATES.pattern': {
    want: 'a part of a path with {yyyy}, one of {mm}, {m} or {mon}, and at most one of {dd} or {d}',
    example: '"/{yyyy}/{mm}/{dd}/"',
  },
  'DATES.zone': { want: 'an IANA time zone', example: '"Europe/Berlin"' },
  'DATES.sitemap': {
    want: 'the https URL of a sitemap, or a list of up to 8',
    example: '"https://www.example.com/news-sitemap.xml"',
  },
  'DATES.origin': { want: 'true or false', example: 'true' },
}

/** The sitemaps that one cron reads at most. */
const MAX_SITEMAPS = 8

/** One source at least. */
export const datesTerm = v.pipe(
  v.unknown(),
  v.transform(unpack),
  v.looseObject({
    pattern: v.optional(readWith((text) => (compileDates(text, 'UTC') ? { value: text } : null))),
    zone: v.optional(
      readWith((text) => (isZone(text) ? { value: text } : null)),
      'UTC',
    ),
    sitemap: v.optional(
      v.pipe(
        list(readWith((text) => (URL.parse(text)?.protocol === 'https:' ? { value: text } : null))),
        v.maxLength(MAX_SITEMAPS, `must have at most ${MAX_SITEMAPS} paths`),
      ),
    ),
    origin: v.optional(v.boolean(), false),
  }),
  onlyKeys(['pattern', 'zone', 'sitemap', 'origin']),
  v.check(
    ({ pattern, sitemap, origin }) => pattern !== undefined || sitemap !== undefined || origin,
    'must have "pattern", "sitemap" or origin = true',
  ),
)

/** Compiles DATES. */
export function datesOf({ pattern, zone, sitemap = [], origin }: v.InferOutput<typeof datesTerm>): Dates {
  const inPath = pattern === undefined ? undefined : (compileDates(pattern, zone) ?? undefined)
  return { inPath, sitemaps: sitemap, asksOrigin: origin }
}
