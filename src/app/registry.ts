/** The registry of sites as the operator's routes use it. */
import { type Config, readConfig } from '../config/config.ts'
import { siteVars } from '../config/site.ts'
import type { OpenedSite, SitesPort } from '../operator/settings.ts'
import { siteRegistry } from '../sites/call.ts'
import { customHostnames } from '../sites/custom-hostnames.ts'
import type { SiteDocument } from '../sites/document.ts'
import type { Witnesses } from '../sites/proof.ts'
import { resolved } from '../sites/publish.ts'
import type { Bindings } from './bindings.ts'
import { schemesOf } from './schemes.ts'
import { buildSite } from './site.ts'
import { secretOf } from './sites.ts'

const ask = (request: Request) => fetch(request)

/** The registry with all that its routes ask; undefined where none is bound, or the config is invalid. */
export function sitesPortOf(env: Bindings): SitesPort | undefined {
  const read = readConfig(env)
  if (!env.SITES || !read.ok) return undefined
  const { SITES: namespace } = env
  const registry = () => siteRegistry(namespace)
  return {
    registry,
    witnesses: witnessesOf(read.config),
    async open(document) {
      const publisher = await registry().readPublisher(document.publisher)
      const receiver = publisher.ok ? publisher.value.receiver : null
      return openSite(env, resolved({ document, receiver }))
    },
    ask,
  }
}

/** Where proofs and names of hosts are looked up. */
export function witnessesOf({ proofs: { resolverUrl, hostnames } }: Pick<Config, 'proofs'>): Witnesses {
  return {
    resolver: { url: resolverUrl, fetch: ask },
    hostnames: hostnames && customHostnames({ ...hostnames, fetch: ask }),
  }
}

/** A document as this Worker would serve it; undefined if its terms are invalid. */
async function openSite(env: Bindings, document: SiteDocument): Promise<OpenedSite | undefined> {
  const read = readConfig(env, siteVars(document))
  if (!read.ok) return undefined
  const { policy, mode, originSecret } = read.config
  const secret = originSecret && (await secretOf(originSecret, document.id))
  const config = { ...read.config, originSecret: secret }
  const site = buildSite(env, config)
  const { origin } = policy
  return {
    explained: { policy, offerers: schemesOf(env, config) },
    isShadow: mode === 'shadow',
    origin: origin.kind === 'url' ? origin.url : undefined,
    secret,
    fetch: async (request) =>
      site.gate(request as Request<unknown, IncomingRequestCfProperties>, site.origin),
  }
}
