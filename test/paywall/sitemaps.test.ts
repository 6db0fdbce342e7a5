import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { editionOf } from '../../src/paywall/edition.ts'
import { type Content, gate } from '../../src/paywall/gate.ts'
import { NamedSitemaps, type SitemapStore, sitemapsIn } from '../../src/paywall/sitemaps.ts'

const SITE = 'https://site.example'

describe('sitemapsIn', () => {
  it('lists the paths of this site without a query, as rules see them', () => {
    const robots = [
      '\ufeffSitemap: https://site.example/Maps/News.XML',
      'User-agent: *',
      '  sitemap :\thttp://site.example/caf%C3%A9/index.xml # all',
      'SITEMAP:/relative.xml\r',
      'Sitemap: https://site.example/wp?sitemap=1',
      'Sitemap: https://elsewhere.example/map.xml',
      'Sitemap: https://site.example/a%2f..%2fb.xml',
      'Sitemap: https://site.example:99999/c.xml',
      'Sitemap:',
      '# Sitemap: https://site.example/comment.xml',
      'Disallow: /Sitemap: /not-a-line',
    ].join('\n')
    expect([...sitemapsIn(robots, SITE)]).toEqual(['/maps/news.xml', '/café/index.xml', '/relative.xml'])
  })

  it('takes the first 1000 lines', () => {
    const robots = Array.from({ length: 1500 }, (_, at) => `Sitemap: /${at}.xml`).join('\n')
    expect(sitemapsIn(robots, SITE).size).toBe(1000)
  })
})

/** A gate before a robots.txt, as the Worker builds it; `passed` waits for what outlasts a request. */
function siteOf(robots: string | (() => Response), store?: SitemapStore) {
  const result = parsePolicy({
    ORIGIN: 'zone',
    RECEIVER: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    NETWORK: 'eip155:84532',
    PRICE: '0.001',
  })
  if (!result.ok) throw new Error('the policy must be valid')
  const clock = { now: 0 }
  const waiting: Promise<unknown>[] = []
  const sharing = {
    store,
    now: () => clock.now,
    later: (work: Promise<unknown>) => void waiting.push(work),
  }
  const named = new NamedSitemaps(sharing)
  const pass = async () => (typeof robots === 'string' ? new Response(robots) : robots())
  const content: Content = { pass, buy: pass }
  const options = {
    edition: editionOf({ policy: result.policy, schemes: {}, now: sharing.now }),
    now: sharing.now,
    newId: () => 'id',
    cloudflareCharges: false,
  }
  const handle = named.watch(gate({ ...options, sitemaps: (site) => named.of(site) }))
  const ask = async (path: string) => {
    const request = new Request(SITE + path, { headers: { 'user-agent': 'GPTBot/1.2' } })
    const answer = await handle(request, content)
    const text = await answer.text()
    await Promise.all(waiting.splice(0))
    return { status: answer.status, text }
  }
  return { ask, clock }
}

describe('NamedSitemaps', () => {
  it('makes a sitemap free once a robots.txt that names it has passed', async () => {
    const { ask } = siteOf(`Sitemap: ${SITE}/maps/index`)
    expect((await ask('/maps/index')).status).toBe(402)
    expect(await ask('/robots.txt')).toEqual({ status: 200, text: `Sitemap: ${SITE}/maps/index` })
    expect((await ask('/maps/index')).status).toBe(200)
    expect((await ask('/maps/index?page=1')).status).toBe(402)
    expect((await ask('/maps/other')).status).toBe(402)
  })

  it('passes a robots.txt of 10 MB on whole, and reads its first 500 KiB', async () => {
    const filler = `${'#'.repeat(99)}\n`
    const half = 500 * 1024 - 60
    const first = `Sitemap: /first\n${filler.repeat(half / 100 - 1)}`
    const cut = `${first}${'#'.repeat(500 * 1024 - first.length - 20)}\nSitemap: /cut-off-here\nSitemap: /last\n`
    const robots = cut + filler.repeat(100_000)
    const { ask } = siteOf(robots)
    expect((await ask('/robots.txt')).text).toBe(robots)
    const paths = ['/first', '/cut', '/cut-off', '/cut-off-here', '/last']
    expect(await Promise.all(paths.map(async (path) => (await ask(path)).status))).toEqual([
      200, 402, 402, 402, 402,
    ])
  })

  it.each([404, 418, 500])('learns nothing from a robots.txt with status %i', async (status) => {
    const { ask } = siteOf(() => new Response('Sitemap: /map', { status }))
    await ask('/robots.txt')
    expect((await ask('/map')).status).toBe(402)
  })

  it('charges again for a sitemap that the robots.txt has ceased to name', async () => {
    let robots = 'Sitemap: /map'
    const { ask } = siteOf(() => new Response(robots))
    await ask('/robots.txt')
    robots = 'Sitemap: /new-map'
    await ask('/robots.txt')
    expect([(await ask('/map')).status, (await ask('/new-map')).status]).toEqual([402, 200])
  })
})
