/** Isolates of a Worker with a registry: each has a memory of its own, and counts what it reads of KV. */
import { env } from 'cloudflare:workers'
import type { Bindings } from '../../src/app/bindings.ts'
import { siteFor } from '../../src/app/sites.ts'
import type { SiteDocument } from '../../src/sites/document.ts'
import { entryKey, type HostEntry } from '../../src/sites/entry.ts'
import { CRAWLER, requiredOf } from '../schemes/harness.ts'

type Ask = {
  agent?: string
  payment?: string
  v1?: string
  headers?: Record<string, string>
  method?: string
}

/** The entry of a document that came into effect long ago. */
function entryOf(document: SiteDocument): HostEntry {
  const { id, publisher } = document
  return { sequence: 1, id, publisher, version: 1, effectiveAt: 0, document }
}

/** A fresh isolate. `read` may fail or delay a read of KV, and `documents` are in KV without a registry. */
export function newIsolate({
  vars = {},
  documents = [],
  read = (get) => get(),
}: {
  vars?: object
  documents?: readonly SiteDocument[]
  read?: (get: () => Promise<unknown>) => Promise<unknown>
} = {}) {
  const reads: string[] = []
  const hosts = {
    get(key: string, type: 'json') {
      reads.push(key)
      const document = documents.find(({ hosts }) => hosts.some((host) => entryKey(host) === key))
      if (document) return Promise.resolve(entryOf(document))
      return read(() => env.TEST_HOSTS.get(key, type))
    },
  }
  const bindings = {
    ...env,
    CHAIN_READS: undefined,
    SITES: env.TEST_SITES,
    HOSTS: hosts,
    PUBLIC_URL: 'https://operator.example.com',
    ...vars,
  } as unknown as Bindings

  async function siteAt(url: string) {
    return siteFor(new Request(url), bindings)
  }

  async function ask(url: string, { agent = CRAWLER, payment, v1, headers, method = 'GET' }: Ask = {}) {
    const sent = new Headers({ 'user-agent': agent, ...headers })
    if (payment !== undefined) sent.set('payment-signature', payment)
    if (v1 !== undefined) sent.set('x-payment', v1)
    const site = await siteAt(url)
    return site instanceof Response
      ? site
      : site.gate(new Request(url, { headers: sent, method, redirect: 'manual' }), site.origin)
  }

  return {
    reads,
    ask,
    siteAt,
    /** The offers of a page, by the name of their scheme on the wire. */
    async offers(url: string) {
      const { accepts } = requiredOf(await ask(url))
      const [channel, exact] = accepts
      if (!channel || !exact) throw new Error('the site must make two offers')
      return { channel, exact }
    },
  }
}
