/** Paths that are always free: there machines find the terms, the pages that are for sale, and the site's operator. */
import type { Pattern } from './pattern.ts'
import type { Reading } from './readings.ts'

const FILES: ReadonlySet<string> = new Set([
  '/ads.txt',
  '/ai.txt',
  '/app-ads.txt',
  '/crawlers.json',
  '/favicon.ico',
  '/humans.txt',
  '/license.xml',
  '/llms.txt',
  '/openapi.json',
  '/robots.txt',
  '/security.txt',
  '/sellers.json',
])
const FOLDER = '/.well-known/'

/**
 * Whether a reading of a `GET` is free for everybody. `named`: the sitemaps of the site's own robots.txt.
 *
 * Threat: many origins select content by query on any path, so what is free by its path is asked without a query.
 */
export function isFree(
  { match, search }: Reading,
  sitemaps: readonly Pattern[],
  named: ReadonlySet<string> | undefined,
): boolean {
  if (search !== '') return false
  return (
    FILES.has(match) ||
    match.startsWith(FOLDER) ||
    sitemaps.some((covers) => covers(match)) ||
    (named?.has(match) ?? false)
  )
}
