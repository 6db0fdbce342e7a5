/** The registry: what a change needs, what it publishes, and what it leaves behind. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { SiteRegistry } from '../../src/sites/call.ts'
import { entryKey, type HostEntry } from '../../src/sites/entry.ts'
import { MAX_RECENT } from '../../src/sites/judge.ts'
import type { TestSites } from '../worker.ts'
import { document, newRegistry, PUBLISHER, publish } from './harness.ts'

async function entryOf(host = ''): Promise<HostEntry | null> {
  return env.TEST_HOSTS.get<HostEntry>(entryKey(host), 'json')
}

async function placesOf(answer: Awaited<ReturnType<SiteRegistry['put']>>): Promise<string[]> {
  return answer.ok ? [] : answer.problems.map(({ place }) => place)
}

/** The audited acts, newest first. */
async function actsOf(registry: SiteRegistry, id: string) {
  const { rows } = await registry.changes({ subject: `site:${id}` })
  return rows.map(({ who, what }) => `${who} ${what}`)
}

describe('a site of the registry', () => {
  it('is published at once for the first time, under each of its hosts', async () => {
    const registry = newRegistry()
    const site = document()
    const before = Date.now()
    expect(await publish(registry, site)).toMatchObject({
      version: 1,
      pending: [],
      act: 'publish',
      who: 'op',
    })
    for (const host of site.hosts) {
      const entry = await entryOf(host)
      expect(entry).toMatchObject({ id: site.id, publisher: 'press', version: 1, document: { id: site.id } })
      expect(entry?.effectiveAt).toBeGreaterThanOrEqual(before)
      expect(entry?.effectiveAt).toBeLessThanOrEqual(Date.now())
      expect(entry?.previous).toBeUndefined()
    }
  })

  it('takes its next version into effect two minutes after it was published', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    const next = await publish(registry, { ...site, terms: { ...site.terms, PRICE: '0.003' } })
    expect(next).toMatchObject({ version: 2, everywhereBy: next?.effectiveAt })
    expect(Number(next?.effectiveAt) - Number(next?.at)).toBe(120_000)
    expect(await entryOf(site.hosts[0])).toMatchObject({
      version: 2,
      document: { terms: { PRICE: '0.003' } },
      previous: { version: 1, document: { terms: { PRICE: '0.002' } } },
    })
    expect(await registry.read(site.id)).toMatchObject({ value: { mode: 'live', draft: null } })
  })

  it('returns all its problems at once and is not stored', async () => {
    const registry = newRegistry()
    await registry.putPublisher('op', PUBLISHER)
    const site = document({
      publisher: 'unknown',
      terms: { ORIGIN: 'zone', PRICE: 'free', RULES: [{ action: 'give' }] },
    })
    const put = await registry.put('op', site)
    expect(put).toMatchObject({ ok: false, reason: 'invalid' })
    expect(await placesOf(put)).toEqual(['publisher', 'terms.PRICE', 'terms.RULES[0].action'])
    expect(await registry.read(site.id)).toMatchObject({ ok: false, reason: 'not_found' })
    expect(await actsOf(registry, site.id)).toEqual([])
  })

  it('must have an origin with a host of its own, unless its zone is routed here', async () => {
    const registry = newRegistry()
    await registry.putPublisher('op', PUBLISHER)
    const put = (change: object) => registry.put('op', document(change))
    expect(await placesOf(await put({ terms: { ORIGIN: 'zone' } }))).toEqual(['terms.ORIGIN'])
    expect(await placesOf(await put({ terms: { ORIGIN: 'zone' }, via: 'route' }))).toEqual([])
    const [host] = document().hosts
    const own = document({ hosts: [host ?? ''], terms: { ORIGIN: `https://${host}` } })
    expect(await placesOf(await registry.put('op', own))).toEqual(['terms.ORIGIN'])
  })

  it('gets the receiver of its publisher where its terms name none', async () => {
    const registry = newRegistry()
    const receiver = `0x${'ab'.repeat(20)}`
    const [first, second] = [
      document(),
      document({ terms: { ...document().terms, RECEIVER: `0x${'cd'.repeat(20)}` } }),
    ]
    await publish(registry, first)
    await publish(registry, second)
    await registry.putPublisher('op', { ...PUBLISHER, receiver })
    await registry.revert('op', first.id, 1)
    expect(await entryOf(first.hosts[0])).toMatchObject({ document: { terms: { RECEIVER: receiver } } })
    expect(await entryOf(second.hosts[0])).toMatchObject({ document: second })
  })

  it('goes back to an earlier version as a new one, with its draft untouched', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    await publish(registry, { ...site, terms: { ...site.terms, PRICE: '0.003' } })
    await registry.put('op', { ...site, terms: { ...site.terms, PRICE: '0.004' } })
    expect(await registry.revert('op', site.id, 1, 'too dear')).toMatchObject({
      value: { version: 3, act: 'revert', note: 'too dear', document: { terms: { PRICE: '0.002' } } },
    })
    expect(await registry.read(site.id)).toMatchObject({
      value: { draft: { document: { terms: { PRICE: '0.004' } } }, published: { version: 3 } },
    })
    expect(await registry.versions(site.id)).toMatchObject({
      value: { rows: [{ version: 3 }, { version: 2 }, {}] },
    })
    expect(await registry.revert('op', site.id, 9)).toMatchObject({ ok: false, reason: 'not_found' })
  })

  it('is suspended at once and resumes at once, before a version that was still to come', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    await publish(registry, { ...site, terms: { ...site.terms, PRICE: '0.003' } })
    const stopped = await registry.suspend('op', site.id)
    if (!stopped.ok) throw new Error('the site must be suspended')
    expect(stopped.value).toMatchObject({ version: 3, effectiveAt: stopped.value.at })
    expect(await registry.suspend('op', site.id)).toEqual(stopped)
    expect(await registry.read(site.id)).toMatchObject({ value: { mode: 'suspended' } })
    expect(await registry.resume('op', site.id)).toMatchObject({
      value: { version: 4, document: { mode: 'live', terms: { PRICE: '0.003' } } },
    })
    expect(await registry.read(site.id)).toMatchObject({ value: { mode: 'live' } })
    expect(await registry.resume('op', site.id)).toMatchObject({ ok: false, reason: 'conflict' })
    expect(await actsOf(registry, site.id)).toEqual([
      ...['site.resume', 'site.suspend', 'site.publish', 'site.put'].map((what) => `op ${what}`),
      ...['site.publish', 'host.prove', 'host.prove', 'site.put'].map((what) => `op ${what}`),
    ])
  })

  it('is suspended at once on a host that a version still to come drops, unless another site has it by then', async () => {
    const registry = newRegistry()
    const site = document()
    const [kept = '', dropped = ''] = site.hosts
    await publish(registry, site)
    await publish(registry, { ...site, hosts: [kept] })
    const before = await entryOf(dropped)
    expect(before).toMatchObject({ version: 2, document: null, previous: { version: 1 } })
    expect(before?.effectiveAt).toBeGreaterThan(Date.now())
    await registry.suspend('op', site.id)
    const after = await entryOf(dropped)
    expect(after).toMatchObject({ version: 3, document: null })
    expect(after?.effectiveAt).toBeLessThanOrEqual(Date.now())

    await registry.resume('op', site.id)
    await publish(registry, { ...site, hosts: [kept, dropped] })
    await publish(registry, { ...site, hosts: [kept] })
    const other = document({ hosts: [dropped] })
    await publish(registry, other)
    await registry.suspend('op', site.id)
    expect(await entryOf(dropped)).toMatchObject({ id: other.id, document: { id: other.id } })
  })

  it('leaves a tombstone under its hosts when it is removed, and frees them for another site', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    const taken = document({ hosts: site.hosts })
    expect(await placesOf(await registry.put('op', taken))).toEqual(['hosts[0]', 'hosts[1]'])
    await registry.remove('op', site.id)
    expect(await entryOf(site.hosts[0])).toMatchObject({ id: site.id, version: 2, document: null })
    await publish(registry, taken)
    expect(await entryOf(site.hosts[0])).toMatchObject({
      id: taken.id,
      version: 1,
      previous: { id: site.id },
    })
    expect(await registry.revert('op', site.id, 1)).toMatchObject({ ok: false, reason: 'invalid' })
  })

  it('leaves the hosts that another site has by now alone when it comes back after its removal', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    await registry.remove('op', site.id)
    const heir = document({ hosts: site.hosts })
    await publish(registry, heir)
    await publish(registry, { ...site, hosts: [`back.${site.hosts[0]}`] })
    const served = await Promise.all(site.hosts.map(entryOf))
    expect(served).toMatchObject(site.hosts.map(() => ({ id: heir.id, document: { id: heir.id } })))
  })

  it('takes a host off at the moment of its next version', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    const [kept = '', dropped] = site.hosts
    const next = await publish(registry, { ...site, hosts: [kept] })
    expect(await entryOf(dropped)).toMatchObject({
      document: null,
      effectiveAt: next?.effectiveAt,
      previous: { version: 1, document: { id: site.id } },
    })
  })

  it('is published only once each host is proven', async () => {
    const registry = newRegistry()
    const site = document()
    await registry.putPublisher('op', PUBLISHER)
    await registry.put('op', site)
    await registry.prove('op', site.id, site.hosts[0] ?? '', 'txt')
    const refused = await registry.publish('op', site.id)
    expect(refused).toMatchObject({ ok: false, reason: 'unproven', problems: [{ place: 'hosts[1]' }] })
    expect(await entryOf(site.hosts[0])).toBeNull()
  })

  it('is written to KV by the alarm when KV failed', async () => {
    const name = crypto.randomUUID()
    const stub = env.TEST_SITES.getByName(name)
    const registry = stub as unknown as SiteRegistry
    const failing = (fails: boolean) =>
      runInDurableObject(stub, (instance) => {
        Object.assign((instance as unknown as TestSites).kv, { fails })
      })
    const site = document()
    await failing(true)
    expect(await publish(registry, site)).toMatchObject({ version: 1, pending: site.hosts.toSorted() })
    await runDurableObjectAlarm(stub)
    expect(await entryOf(site.hosts[0])).toBeNull()
    await failing(false)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await entryOf(site.hosts[0])).toMatchObject({ version: 1 })
    expect(await registry.read(site.id)).toMatchObject({ value: { pending: [] } })
  })

  it(`has at most ${MAX_RECENT} versions in 70 minutes, and can be suspended beyond`, async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    for (let count = 1; count < MAX_RECENT; count++) await registry.revert('op', site.id, 1)
    expect(await registry.revert('op', site.id, 1)).toMatchObject({ ok: false, reason: 'too_many' })
    expect(await registry.suspend('op', site.id)).toMatchObject({ ok: true })
  })
})

describe('the audit log of the registry', () => {
  it('has who changed what when, with the document before and after', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    const changed = { ...site, terms: { ...site.terms, PRICE: '0.003' } }
    await registry.put('token 1a2b3c4d', changed)
    const [change] = (await registry.changes({ limit: 1 })).rows
    expect(change).toMatchObject({ who: 'token 1a2b3c4d', what: 'site.put', subject: `site:${site.id}` })
    expect(Math.abs(Date.now() - Number(change?.at))).toBeLessThan(60_000)
    expect([JSON.parse(String(change?.before)), JSON.parse(String(change?.after))]).toEqual([site, changed])
  })
})
