/** A registry of sites with a DNS and origins of the test's own. */
import { env } from 'cloudflare:test'
import type { Bindings } from '../../src/app/bindings.ts'
import { sitesPortOf } from '../../src/app/registry.ts'
import type { SitesPort } from '../../src/operator/settings.ts'
import { answerOf, type Zone } from '../sites/dns.ts'
import { newRegistry } from '../sites/harness.ts'

/** Answers for every origin. */
export type Answers = (request: Request) => Response

/** An origin that answers with the header alone. */
export const refusing: Answers = ({ headers }) =>
  new Response('page', { status: headers.has('tab402-origin-secret') ? 200 : 403 })

/** A registry that no other test has. `zone` is the DNS that it sees. */
export function newSites({
  zone = {},
  origin = refusing,
}: {
  zone?: Zone
  origin?: Answers
} = {}): SitesPort {
  const registry = newRegistry()
  const bindings = {
    ...env,
    PUBLIC_URL: 'https://till.example',
    NETWORK: 'eip155:84532',
    ORIGIN_SECRET: 'an-origin-secret-of-32-characters',
    SITES: { getByName: () => registry },
  } as unknown as Bindings
  const port = sitesPortOf(bindings)
  if (!port) throw new Error('the registry must be bound')
  const resolver = { url: 'https://dns.example', fetch: async ({ url }: Request) => answerOf(zone, url) }
  // No test asks a server outside: only a site behind the binding SITE answers through its paywall.
  const open: SitesPort['open'] = async (document) => {
    const site = await port.open(document)
    return site?.origin ? { ...site, fetch: async () => new Response(null, { status: 402 }) } : site
  }
  const witnesses = { resolver, hostnames: undefined }
  return { ...port, witnesses, open, ask: async (request) => origin(request) }
}
