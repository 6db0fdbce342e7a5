/** Trials of a site's policy over the API: one request, and the requests that were counted lately. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { addShadowFigures } from '../../src/ledger/book/shadow.ts'
import { trafficIn } from '../../src/ledger/book/traffic.ts'
import { dayOf, HOUR_MS } from '../../src/platform/time.ts'
import type { SiteDocument } from '../../src/sites/document.ts'
import { document, PUBLISHER } from '../sites/harness.ts'
import { newOperator } from './harness.ts'
import { newSites } from './registry.ts'

/** Two hours after a site was published: its first whole hour has begun. */
const later = () => Date.now() + 2 * HOUR_MS

async function newSite(change: Partial<SiteDocument> = {}) {
  const sites = newSites()
  const operator = await newOperator({ sites, credit: false, now: later })
  await operator.post('/api/publishers', PUBLISHER)
  const site = { ...document(), hosts: [`${crypto.randomUUID()}.localhost`], ...change }
  await operator.post('/api/sites', site)
  const at = `/api/sites/${site.id}`
  return { ...operator, site, at, registry: sites.registry() }
}

async function published(change: Partial<SiteDocument> = {}) {
  const desk = await newSite(change)
  await desk.post(`${desk.at}/publish`, {})
  await desk.call('PATCH', desk.at, { terms: { PRICE: '0.005' } })
  return desk
}

describe('A request that is tried at a site', () => {
  it('is answered as the draft would, and as the version in force does', async () => {
    const { get, at } = await published()
    const drafted = await get(`${at}/try?url=/a&as=GPTBot`)
    expect(drafted.body).toMatchObject({ outcome: 'charge', decision: { price: '5000' } })
    expect(drafted.body.headers).toHaveProperty('payment-required')
    const live = await get(`${at}/try?url=/a&as=GPTBot&of=live`)
    expect(live.body).toMatchObject({ decision: { price: '2000' } })
    expect((await get(`${at}/try?url=/a&as=GPTBot&of=other`)).status).toBe(400)
  })

  it('is of a confirmed crawler where Cloudflare has verified it', async () => {
    const RULES = [{ action: 'allow', who: ['GPTBot'], verified: true }]
    const { get, at } = await newSite({
      terms: { ORIGIN: 'https://origin.example.net', PRICE: '0.002', RULES },
    })
    const outcomes = ['', '&verified=true'].map(async (more) => {
      const { body } = await get(`${at}/try?url=/a&as=GPTBot${more}`)
      return body.outcome
    })
    expect(await Promise.all(outcomes)).toEqual(['charge', 'pass'])
  })

  it('is answered 404 by the version in force before the first publish', async () => {
    const { get, at } = await newSite()
    expect((await get(`${at}/try?url=/a&as=GPTBot&of=live`)).status).toBe(404)
  })
})

describe('The replay of a site', () => {
  it('compares the requests of the last hours under the draft with the version in force', async () => {
    const { get, at, site } = await published()
    const kind = { site: site.id, who: '~GPTBot', rule: 'default', status: '4xx' }
    const [unpaid, free] = [
      { ...kind, outcome: 'unpaid' },
      { ...kind, who: 'readers', outcome: 'free' },
    ] as const
    await trafficIn(env.BOOK)(
      [
        { ...unpaid, requests: 40, asked: 80_000 },
        { ...free, requests: 9, asked: 0 },
      ],
      later(),
    )
    const hour = Math.floor(later() / HOUR_MS)
    await env.BOOK.prepare(`INSERT INTO figure VALUES (?, ?, 'default', 'GPTBot', '/news', 10, 0, 20000)`)
      .bind(hour, site.id)
      .run()
    const { body } = await get(`${at}/replay`)
    expect(body).toMatchObject({
      version: 1,
      isDraft: true,
      source: 'traffic',
      left: 0,
      live: { asked: { least: '100000', most: '100000' }, earned: { least: '20000' }, allow: { most: 9 } },
      draft: { asked: { least: '250000', most: '250000' }, earned: { least: '50000' }, allow: { most: 9 } },
    })
  })

  it('takes the pages that shadow mode has counted', async () => {
    const RULES = [{ action: 'allow', path: '/press/*' }]
    const { get, at, site, call } = await published({ mode: 'shadow' })
    await call('PATCH', at, { terms: { RULES } })
    const kind = { site: site.id, class: 'training', rule: 'default', action: 'charge' } as const
    await addShadowFigures(env.BOOK, dayOf(later()), [
      { ...kind, crawler: 'GPTBot', path: '/press/one', requests: 4, pages: 4, asked: 8_000 },
      { ...kind, crawler: 'nameless', path: '/news/two', requests: 2, pages: 2, asked: 4_000 },
    ])
    const { body } = await get(`${at}/replay`)
    expect(body).toMatchObject({
      source: 'shadow',
      live: { charge: { least: 6, most: 6 } },
      draft: { charge: { least: 2, most: 2 }, allow: { least: 4, most: 4 } },
    })
  })

  it('says that nothing was counted before the first publish', async () => {
    const { get, at } = await newSite()
    const { body } = await get(`${at}/replay`)
    expect(body).toMatchObject({ version: null, rows: [], left: 0 })
    expect(String(body.notes)).toContain('never published')
  })
})

describe('The check of a site by GET', () => {
  it('finds what POST finds, and stores no proof', async () => {
    const { get, at, site, registry } = await newSite({ hosts: ['a.example.com'] })
    const { body } = await get(`${at}/check?path=/a`)
    expect(body).toMatchObject({
      hosts: [{ host: 'a.example.com', proof: { outcome: 'failed' }, dns: { outcome: 'failed' } }],
    })
    const read = await registry.read(site.id)
    expect(read.ok && read.value.hosts[0]?.provenAt).toBeNull()
    expect((await get(`${at}/check?path=a`)).status).toBe(400)
  })
})
