import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { SiteRegistry } from '../../src/sites/call.ts'
import { entryKey, type HostEntry } from '../../src/sites/entry.ts'
import { document, newRegistry, PUBLISHER } from './harness.ts'

async function entryOf(host: string): Promise<HostEntry | null> {
  return env.TEST_HOSTS.get<HostEntry>(entryKey(host), 'json')
}

async function published(registry: SiteRegistry, site = document()) {
  await registry.putPublisher('op', PUBLISHER)
  await registry.put('op', site)
  for (const host of site.hosts) await registry.prove('op', site.id, host, 'txt')
  return registry.publish('op', site.id)
}

describe('the registry of sites', () => {
  it('publishes the first version of a site at once, under each of its hosts', async () => {
    const registry = newRegistry()
    const site = document()
    const answer = await published(registry, site)
    expect(answer).toMatchObject({ ok: true, value: { version: 1, pending: [], act: 'publish', who: 'op' } })
    for (const host of site.hosts) {
      const entry = await entryOf(host)
      expect(entry).toMatchObject({ id: site.id, publisher: 'press', version: 1, document: { id: site.id } })
      expect(entry?.effectiveAt).toBeLessThanOrEqual(Date.now())
      expect(entry?.previous).toBeUndefined()
    }
  })
})
