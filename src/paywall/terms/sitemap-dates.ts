/** The dates that a site's sitemaps state: fetched by the cron, stored in KV, copied by each isolate. */

import { type Background, IsolateCache } from '../../platform/isolate-cache.ts'
import { log } from '../../platform/log.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import { canonicalize } from '../path.ts'
import type { DateOf } from './dates.ts'
import { readSitemap } from './sitemap.ts'

/** The part of a KV namespace that holds the dates. */
export type DateStore = Pick<KVNamespace, 'get' | 'put'>

/** The newest pages that are known, from all sitemaps. Beyond it the oldest are undated. */
export const MAX_DATED = 50_000
/** The most sitemaps of one index that are read, in the order of the index. */
const MAX_LISTED = 20
/** The most sitemaps that are read at once. Beyond it they wait: an origin serves its readers meanwhile. */
const MAX_AT_ONCE = 4
/** How long an origin may take to answer, and to send one sitemap. */
const TIMEOUT_MS = 60_000
/** How long an isolate uses its copy, and when it tries again after a failure. */
const FRESH_MS = 60_000
const RETRY_MS = 10_000
const MINUTE_MS = 60_000

const KEY = 'dates-1'

/** Each site of a registry has its dates alone: two sites may have one path. */
function keyOf(site: string | undefined): string {
  return site === undefined ? KEY : `${KEY}:${site}`
}

/** Hashes of paths, and minutes since 1970. `tags`: the `ETag` of each sitemap as it was read. */
type Stored = { pages: [hash: number, minutes: number][]; tags: Record<string, string> }

const NOTHING: Stored = { pages: [], tags: {} }

/**
 * Fetches sitemaps and adds their dates to those that are known: a news sitemap drops its pages after two days. A sitemap
 * that fails changes nothing, and one line is logged.
 */
export async function refreshDates(
  store: DateStore,
  sitemaps: readonly string[],
  fetch: (request: Request) => Promise<Response>,
  site?: string,
): Promise<void> {
  const known = (await store.get<Stored>(keyOf(site), 'json')) ?? NOTHING
  const pages = new Map(known.pages)
  const tags: Record<string, string> = {}
  const reading = { pages, tags, known: known.tags, fetch }
  const readAll = (urls: readonly string[]) =>
    mapConcurrently(urls, (url) => read(url, reading), keepTag(reading), MAX_AT_ONCE)
  const listed = await readAll(sitemaps)
  await readAll([...new Set(listed.flat())].filter((url) => !sitemaps.includes(url)))
  if (sorted(tags) === sorted(known.tags) && pages.size === known.pages.length && pages.size > 0) return
  const newest = [...pages].sort(([, one], [, other]) => other - one).slice(0, MAX_DATED)
  await store.put(keyOf(site), JSON.stringify({ pages: newest, tags } satisfies Stored))
}

type Reading = {
  pages: Map<number, number>
  tags: Record<string, string>
  known: Readonly<Record<string, string>>
  fetch: (request: Request) => Promise<Response>
}

/** Reads one sitemap, and returns those of the same host that it lists. */
async function read(url: string, { pages, tags, known, fetch }: Reading): Promise<readonly string[]> {
  const tag = known[url]
  const headers = { accept: 'application/xml', ...(tag !== undefined && { 'if-none-match': tag }) }
  const answer = await fetch(new Request(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) }))
  if (answer.status === 304 && tag !== undefined) {
    tags[url] = tag
    return []
  }
  if (answer.status !== 200 || !answer.body) throw new Error(`the origin answered ${answer.status}`)
  const isPacked = /\.gz$/.test(new URL(url).pathname) && !answer.headers.has('content-encoding')
  const body = isPacked ? answer.body.pipeThrough(new DecompressionStream('gzip')) : answer.body
  const dates = await readSitemap(body)
  for (const [page, published] of dates.pages) {
    const path = canonicalize(page)
    if (path.ok) pages.set(hashOf(path.value.match), Math.floor(published / MINUTE_MS))
  }
  if (dates.isCut) warn(url, 'only its first 50 MB or 50,000 pages were read')
  const etag = answer.headers.get('etag')
  if (etag && dates.sitemaps.length === 0) tags[url] = etag
  return dates.sitemaps.filter((each) => URL.parse(each)?.host === new URL(url).host).slice(0, MAX_LISTED)
}

/** A sitemap that fails is asked for with the same `ETag` the next time. */
function keepTag({ tags, known }: Reading): (url: string, fault: unknown) => readonly string[] {
  return (url, fault) => {
    const tag = known[url]
    if (tag !== undefined) tags[url] = tag
    warn(url, String(fault))
    return []
  }
}

function sorted(tags: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(tags).sort())
}

function warn(sitemap: string, fault: string): void {
  log('sitemap_not_read_in_full', { sitemap, fault })
}

/**
 * Returns the isolate's dates. The first requests wait for KV, since an embargo must hold from the first on; later ones read
 * it again in the background. While KV fails, the last copy holds, and without one no page is dated.
 */
export function cachedDates(
  store: DateStore,
  background: Background,
  site?: string,
): () => DateOf | Promise<DateOf> {
  const key = keyOf(site)
  const dates = new IsolateCache<DateOf>({
    ...background,
    read: async () => datesIn((await store.get<Stored>(key, 'json')) ?? NOTHING),
    freshMs: FRESH_MS,
    retryMs: RETRY_MS,
    maxEntries: 1,
    report,
  })
  return () => {
    const known = dates.get(key) ?? undated
    return known instanceof Promise ? known.then((read) => read ?? undated, undatedAfter) : known
  }
}

function datesIn({ pages }: Stored): DateOf {
  const minutes = new Map(pages)
  return (match) => {
    const at = minutes.get(hashOf(match))
    return at === undefined ? undefined : at * MINUTE_MS
  }
}

const undated: DateOf = () => undefined

function undatedAfter(fault: unknown): DateOf {
  report(fault)
  return undated
}

function report(fault: unknown): void {
  log('sitemap_dates_unreadable', { fault })
}

/** A hash of 53 bits (cyrb53): 50,000 paths collide with a chance of one in seven million. */
function hashOf(text: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57]
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}
