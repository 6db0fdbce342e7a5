/** The registry as callers have it. */
import { SITES } from './record.ts'
import type { SitesBase } from './registry.ts'

/** The calls of the registry. An exception means that the outcome is unknown: read before the call is repeated. */
export type SiteRegistry = Omit<SitesBase, keyof import('cloudflare:workers').DurableObject>

/** The registry's only object. The type of its stub excludes terms, which may be any JSON. */
export function siteRegistry(namespace: DurableObjectNamespace<SitesBase>): SiteRegistry {
  return namespace.getByName(SITES) as unknown as SiteRegistry
}
