/** A registry of its own for each test, with documents of sites that no other test names. */
import { env } from 'cloudflare:workers'
import type { SiteRegistry } from '../../src/sites/call.ts'
import type { SiteDocument } from '../../src/sites/document.ts'

/** The publisher of all documents. */
export const PUBLISHER = { id: 'press', name: 'Example Press', contacts: ['tech@example.com'], country: 'DE' }

/** A registry that no other test has. */
export function newRegistry(): SiteRegistry {
  return env.TEST_SITES.getByName(crypto.randomUUID()) as unknown as SiteRegistry
}

/** The document of a site with a fresh id and two fresh hosts. */
export function document(change: Partial<SiteDocument> = {}): SiteDocument {
  const id = `s${crypto.randomUUID().slice(0, 8)}`
  const hosts = [`${id}.example.com`, `www.${id}.example.com`]
  const terms = { ORIGIN: 'https://origin.example.net', PRICE: '0.002' }
  return { id, publisher: 'press', hosts, via: 'hostname', mode: 'live', terms, ...change }
}

/** Publishes a site: its publisher, its draft and the proofs of its hosts first. `only: 'put'` stops there. */
export async function publish(registry: SiteRegistry, site: SiteDocument, { only }: { only?: 'put' } = {}) {
  await registry.putPublisher('op', PUBLISHER)
  const put = await registry.put('op', site)
  if (!put.ok) throw new Error(JSON.stringify(put.problems))
  for (const host of site.hosts) await registry.prove('op', site.id, host, 'txt')
  if (only) return undefined
  const answer = await registry.publish('op', site.id)
  if (!answer.ok) throw new Error(JSON.stringify(answer.problems))
  return answer.value
}
