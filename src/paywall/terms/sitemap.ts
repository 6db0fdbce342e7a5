/** Reads the dates of pages from a sitemap, as it streams. */
import { readMoment } from './origin-price.ts'

/** The most of one sitemap that is read, uncompressed: the protocol's own limit. The rest is left out. */
export const MAX_SITEMAP_BYTES = 50 << 20
/** The most pages of one sitemap: the protocol's own limit. */
export const MAX_SITEMAP_PAGES = 50_000
/** A longer entry is skipped. */
const MAX_ENTRY_CHARS = 65_536

/** `pages`: URLs with their time of publication in Unix milliseconds. `sitemaps`: the URLs that an index lists. */
export type SitemapDates = { pages: [url: string, published: number][]; sitemaps: string[]; isCut: boolean }

const ENTRY = /<(?:\w+:)?(url|sitemap)\b[^>]*>([\s\S]*?)<\/(?:\w+:)?\1\s*>/g
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Reads a sitemap or an index of them. The date of a page is `news:publication_date`, else `lastmod`. Rejects if it breaks off. */
export async function readSitemap(stream: ReadableStream<Uint8Array>): Promise<SitemapDates> {
  const found: SitemapDates = { pages: [], sitemaps: [], isCut: false }
  const decoder = new TextDecoder()
  let [rest, bytes] = ['', 0]
  for await (const chunk of stream) {
    bytes += chunk.byteLength
    found.isCut = bytes > MAX_SITEMAP_BYTES || found.pages.length >= MAX_SITEMAP_PAGES
    if (found.isCut) break
    rest = take(rest + decoder.decode(chunk, { stream: true }), found)
  }
  return found
}

/** Takes all whole entries, and returns the text that may begin another. */
function take(text: string, found: SitemapDates): string {
  let end = 0
  for (const match of text.matchAll(ENTRY)) {
    end = match.index + match[0].length
    add(found, match[1] ?? '', match[2] ?? '')
  }
  return text.slice(end).slice(-MAX_ENTRY_CHARS)
}

function add({ pages, sitemaps }: SitemapDates, kind: string, entry: string): void {
  const url = textOf(LOCATION, entry)
  if (url === undefined) return
  if (kind === 'sitemap') {
    sitemaps.push(url)
    return
  }
  const published = momentOf(textOf(PUBLISHED, entry)) ?? momentOf(textOf(MODIFIED, entry))
  if (published !== undefined && pages.length < MAX_SITEMAP_PAGES) pages.push([url, published])
}

const LOCATION = element('loc')
const PUBLISHED = element('publication_date')
const MODIFIED = element('lastmod')

/** The element of a name, in any namespace, with its text in the first group. */
function element(name: string): RegExp {
  return new RegExp(`<(?:\\w+:)?${name}\\b[^>]*>\\s*(?:<!\\[CDATA\\[)?([^<\\]]*)`)
}

function textOf(shape: RegExp, entry: string): string | undefined {
  return shape
    .exec(entry)?.[1]
    ?.trim()
    .replace(/&(\w+);/g, (whole, name) => ENTITIES[name] ?? whole)
}

function momentOf(text: string | undefined): number | undefined {
  return (text === undefined ? undefined : readMoment(text)) ?? undefined
}
