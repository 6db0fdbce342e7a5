/** Hosts and receivers of sites as alerts find them: a registry of its own, and a zone of names. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { NO_ALERTS } from '../../src/alerts/alert.ts'
import { findAll } from '../../src/alerts/kinds/index.ts'
import { MAX_CHECKED_HOSTS, readFacts } from '../../src/alerts/read.ts'
import type { SiteRegistry } from '../../src/sites/call.ts'
import { dnsOf, type Zone } from '../sites/dns.ts'
import { document, newRegistry, PUBLISHER, publish } from '../sites/harness.ts'

const RECEIVER = `0x${'ab'.repeat(20)}`
const OTHER = `0x${'cd'.repeat(20)}`

/** The findings of one pass about sites: `kind subject: figure`. */
async function pass(registry: SiteRegistry, zone: Zone): Promise<string[]> {
  const sites = { registry: () => registry, witnesses: { resolver: dnsOf(zone), hostnames: undefined } }
  const settings = { book: env.BOOK, webhooks: [], problems: () => [], publicUrl: '', sites }
  const { found } = findAll(await readFacts(settings, NO_ALERTS, Date.now()))
  return found.map(({ kind, subject, figure }) => `${kind} ${subject}: ${figure}`)
}

/** The zone in which every host of a site is well. */
async function zoneOf(registry: SiteRegistry, id: string): Promise<Zone> {
  const site = await registry.read(id)
  const hosts = site.ok ? site.value.hosts : []
  return Object.fromEntries(
    hosts.flatMap(({ host, token }) => [
      [host, { A: ['192.0.2.1'] }],
      [`_tab402.${host}`, { TXT: [token] }],
    ]),
  )
}

describe('A host of a site in force', () => {
  it('alerts while its name lacks an address, and not once it has one', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    const well = await zoneOf(registry, site.id)
    const [first = ''] = site.hosts
    const { [first]: _, ...broken } = well
    expect(await pass(registry, well)).toEqual([])
    expect(await pass(registry, broken)).toEqual([`site_check ${first}: its name must have an address`])
    expect(await pass(registry, well)).toEqual([])
  })

  it('stays broken while a resolver gives no answer', async () => {
    const registry = newRegistry()
    const site = document()
    await publish(registry, site)
    const found = await pass(registry, {})
    expect(found).toHaveLength(2)
    const down = { url: 'https://dns.example', fetch: () => Promise.reject(new Error('down')) }
    const sites = { registry: () => registry, witnesses: { resolver: down, hostnames: undefined } }
    const settings = { book: env.BOOK, webhooks: [], problems: () => [], publicUrl: '', sites }
    expect((await readFacts(settings, NO_ALERTS, Date.now())).broken).toHaveLength(2)
  })

  it('is checked in turn with all others, a bounded number at once, and no draft or suspended site is', async () => {
    const registry = newRegistry()
    const hosts = Array.from({ length: MAX_CHECKED_HOSTS + 2 }, (_, at) => `h${at}.many.example.com`)
    await publish(registry, document({ hosts }))
    await publish(registry, document(), { only: 'put' })
    const suspended = document()
    await publish(registry, suspended)
    await registry.suspend('op', suspended.id)
    expect(await pass(registry, {})).toHaveLength(MAX_CHECKED_HOSTS)
    expect(await pass(registry, {})).toHaveLength(hosts.length)
  })
})

describe('A receiver', () => {
  it('alerts once for each change of a publisher or a published site, and not for a draft', async () => {
    const registry = newRegistry()
    const site = document({ hosts: ['localhost:1'] })
    await publish(registry, site)
    await registry.putPublisher('op', { ...PUBLISHER, receiver: RECEIVER })
    const terms = { ...site.terms, RECEIVER: OTHER }
    await registry.put('anna', { ...site, terms })
    expect(await pass(registry, {})).toEqual([
      expect.stringMatching(/^receiver_changed publisher:press, change \d+: from none to 0xabab.*, by op$/),
    ])
    await registry.publish('anna', site.id)
    await registry.putPublisher('op', { ...PUBLISHER, receiver: RECEIVER, name: 'Renamed' })
    expect(await pass(registry, {})).toEqual([
      expect.stringContaining('receiver_changed publisher:press'),
      expect.stringMatching(
        /^receiver_changed site:\w+, change \d+: from publisher press to 0xcdcd.*, by anna$/,
      ),
    ])
  })
})
