import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_SITEMAP_BYTES, readSitemap } from '../../../src/paywall/terms/sitemap.ts'
import {
  cachedDates,
  type DateStore,
  MAX_DATED,
  refreshDates,
} from '../../../src/paywall/terms/sitemap-dates.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const at = (time: string) => Date.parse(time)

/** A text as a stream of small chunks, which cut tags and characters. */
function streamOf(text: string, size = 7): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  let from = 0
  return new ReadableStream({
    pull(controller) {
      if (from >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(from, from + size))
      from += size
    },
  })
}

const NEWS = `<?xml version="1.0"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
  <url><loc>https://site.test/a?x=1&amp;y=2</loc><lastmod>2026-11-27</lastmod>
    <news:news><news:publication_date>2026-11-20T10:00:00+01:00</news:publication_date></news:news></url>
  <url><loc><![CDATA[https://site.test/b]]></loc><lastmod>2026-11-26T08:00:00Z</lastmod></url>
  <url><loc>https://site.test/grün</loc><lastmod>yesterday</lastmod></url>
  <url><lastmod>2026-11-26</lastmod></url>
</urlset>`

describe('readSitemap', () => {
  it('reads the date of publication first, then that of the last change', async () => {
    expect(await readSitemap(streamOf(NEWS))).toEqual({
      pages: [
        ['https://site.test/a?x=1&y=2', at('2026-11-20T09:00:00Z')],
        ['https://site.test/b', at('2026-11-26T08:00:00Z')],
      ],
      sitemaps: [],
      isCut: false,
    })
  })

  it('reads the sitemaps of an index', async () => {
    const index = '<sitemapindex><sitemap><loc>https://site.test/1.xml</loc></sitemap></sitemapindex>'
    expect((await readSitemap(streamOf(index))).sitemaps).toEqual(['https://site.test/1.xml'])
  })

  it('reads 50 MB and no more', async () => {
    const entry = `<url><loc>https://site.test/x</loc>${' '.repeat(1 << 20)}</url>`
    const bytes = new TextEncoder().encode(entry)
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += bytes.length
        controller.enqueue(bytes)
      },
    })
    expect((await readSitemap(endless)).isCut).toBe(true)
    expect(sent).toBeLessThan(MAX_SITEMAP_BYTES + 3 * bytes.length)
  })

  it('keeps little of a text without entries', async () => {
    expect(await readSitemap(streamOf(`<html>${'<p>x</p>'.repeat(100_000)}`, 65_536))).toMatchObject({
      pages: [],
    })
  })
})

function storeOf(): DateStore & { puts: number } {
  const texts = new Map<string, string>()
  const store = {
    puts: 0,
    get: async (key: string) => JSON.parse(texts.get(key) ?? 'null'),
    put: async (key: string, text: string) => {
      store.puts++
      texts.set(key, text)
    },
  }
  return store as unknown as DateStore & { puts: number }
}

const SITEMAP = 'https://site.test/news.xml'
const pageOf = (path: string, date: string) =>
  `<url><loc>https://site.test${path}</loc><lastmod>${date}</lastmod></url>`

async function datesOf(store: DateStore) {
  return await cachedDates(store, { now: Date.now, later: () => undefined })()
}

describe('refreshDates', () => {
  it('stores the dates of pages by their paths as rules match them', async () => {
    const store = storeOf()
    await refreshDates(store, [SITEMAP], async () => new Response(pageOf('/News/A/', '2026-11-27')))
    const dateOf = await datesOf(store)
    expect([dateOf('/news/a'), dateOf('/news/b')]).toEqual([at('2026-11-27'), undefined])
  })

  it('keeps pages that a sitemap has dropped', async () => {
    const store = storeOf()
    const bodies = [pageOf('/a', '2026-11-25'), pageOf('/b', '2026-11-27')]
    for (const body of bodies) await refreshDates(store, [SITEMAP], async () => new Response(body))
    const dateOf = await datesOf(store)
    expect([dateOf('/a'), dateOf('/b')]).toEqual([at('2026-11-25'), at('2026-11-27')])
  })

  it('keeps what is known while a sitemap fails or is gone', async () => {
    vi.spyOn(console, 'warn').mockReturnValue()
    const store = storeOf()
    await refreshDates(store, [SITEMAP], async () => new Response(pageOf('/a', '2026-11-25')))
    await refreshDates(store, [SITEMAP], async () => new Response('no', { status: 500 }))
    await refreshDates(store, [SITEMAP], async () => Promise.reject(new Error('down')))
    expect((await datesOf(store))('/a')).toBe(at('2026-11-25'))
    expect(console.warn).toHaveBeenCalledTimes(2)
  })

  it('asks with the ETag, and writes nothing when nothing has changed', async () => {
    const store = storeOf()
    const asked: (string | null)[] = []
    const answer = async (request: Request) => {
      asked.push(request.headers.get('if-none-match'))
      const isKnown = request.headers.get('if-none-match') === '"1"'
      return isKnown
        ? new Response(null, { status: 304 })
        : new Response(pageOf('/a', '2026-11-25'), { headers: { etag: '"1"' } })
    }
    await refreshDates(store, [SITEMAP], answer)
    await refreshDates(store, [SITEMAP], answer)
    expect([asked, store.puts]).toEqual([[null, '"1"'], 1])
  })

  it('reads the sitemaps of an index that are of the same host', async () => {
    const store = storeOf()
    const bodies: Record<string, string> = {
      [SITEMAP]: ['https://site.test/1.xml', 'https://evil.test/2.xml']
        .map((url) => `<sitemap><loc>${url}</loc></sitemap>`)
        .join(''),
      'https://site.test/1.xml': pageOf('/one', '2026-11-25'),
    }
    const asked: string[] = []
    await refreshDates(store, [SITEMAP], async ({ url }) => {
      asked.push(url)
      return new Response(bodies[url])
    })
    expect(asked).toEqual([SITEMAP, 'https://site.test/1.xml'])
    expect((await datesOf(store))('/one')).toBe(at('2026-11-25'))
  })

  it('reads four sitemaps at once, and each only once', async () => {
    const store = storeOf()
    const names = Array.from({ length: 6 }, (_, at) => `https://site.test/${at}.xml`)
    const index = names.map((url) => `<sitemap><loc>${url}</loc></sitemap>`).join('')
    const asked: string[] = []
    let [open, most] = [0, 0]
    await refreshDates(store, [SITEMAP, ...names.slice(0, 3)], async ({ url }) => {
      asked.push(url)
      most = Math.max(most, ++open)
      await new Promise((resume) => setTimeout(resume, 1))
      open--
      return new Response(url === SITEMAP ? index : pageOf(new URL(url).pathname, '2026-11-25'))
    })
    expect([most, asked.sort()]).toEqual([4, [...names, SITEMAP].sort()])
    const dateOf = await datesOf(store)
    expect(names.map((_, page) => dateOf(`/${page}.xml`))).toEqual(names.map(() => at('2026-11-25')))
  })

  it('reads a sitemap that is packed', async () => {
    const store = storeOf()
    const packed = streamOf(pageOf('/a', '2026-11-25')).pipeThrough(new CompressionStream('gzip'))
    await refreshDates(store, [`${SITEMAP}.gz`], async () => new Response(packed))
    expect((await datesOf(store))('/a')).toBe(at('2026-11-25'))
  })

  it('keeps the newest pages of too many', async () => {
    const store = storeOf()
    const one = pageOf('/old', '2020-01-01')
    const many = (name: string) =>
      Array.from({ length: MAX_DATED / 2 }, (_, page) => pageOf(`/${name}${page}`, '2026-11-25')).join('')
    for (const body of [one, many('a'), many('b')])
      await refreshDates(store, [SITEMAP], async () => new Response(body))
    const dateOf = await datesOf(store)
    expect([dateOf('/old'), dateOf('/a0'), dateOf('/b0')]).toEqual([
      undefined,
      at('2026-11-25'),
      at('2026-11-25'),
    ])
  })
})

describe('cachedDates', () => {
  it('lets the first requests wait, and reads again behind later ones', async () => {
    const clock = { now: 0 }
    const background: Promise<unknown>[] = []
    const store = storeOf()
    const dates = cachedDates(store, { now: () => clock.now, later: (work) => background.push(work) })
    const dateOf = await dates()
    expect(dateOf('/a')).toBeUndefined()
    await refreshDates(store, [SITEMAP], async () => new Response(pageOf('/a', '2026-11-25')))
    clock.now += 60_000
    expect(dates()).toBe(dateOf)
    await Promise.all(background)
    expect((await dates())('/a')).toBe(at('2026-11-25'))
  })

  it('takes pages for undated while KV has never answered', async () => {
    vi.spyOn(console, 'warn').mockReturnValue()
    const store = { ...storeOf(), get: async () => Promise.reject(new Error('down')) } as unknown as DateStore
    expect((await datesOf(store))('/a')).toBeUndefined()
  })
})
