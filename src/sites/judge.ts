/** How the registry judges a document beside its terms, and the refusals that it returns. */
import type { ConfigProblem } from '../platform/problem.ts'
import type { SiteDocument } from './document.ts'
import { isLocalHost, normalHost } from './host.ts'
import type { SiteAnswer, SiteRefusal } from './record.ts'
import type { SiteRow, SiteTables } from './tables.ts'

/** Judges the terms of a site: `problems` refuse it, `warnings` do not. */
export type Validate = (document: SiteDocument) => {
  problems: readonly ConfigProblem[]
  warnings: readonly ConfigProblem[]
}

/** Hosts that another site has, and an origin that is a host of the registry: this Worker would ask itself. */
export function hostProblems(tables: SiteTables, { id, hosts, terms }: SiteDocument): ConfigProblem[] {
  const taken = hosts.flatMap((host, at) => {
    const owner = tables.host(host)?.site ?? id
    return owner === id ? [] : [{ place: `hosts[${at}]`, message: 'must be a host of no other site' }]
  })
  const origin = URL.parse(String(terms.ORIGIN))?.host
  const host = origin ? normalHost(origin) : undefined
  const isOurs = host !== undefined && (hosts.includes(host) || tables.host(host) !== null)
  const example = '"https://origin.example.com"'
  return isOurs
    ? [...taken, { place: 'terms.ORIGIN', message: 'must not be a host of a site here', example }]
    : taken
}

/** The problem of a site whose publisher was not found. */
export const NO_PUBLISHER: ConfigProblem = {
  place: 'publisher',
  message: 'must be the id of a known publisher: create it first',
}

/** A refusal with one problem. */
export function siteRefused(
  reason: SiteRefusal['reason'],
  place: string,
  message: string,
  example?: string,
): SiteRefusal {
  return { ok: false, reason, problems: [{ place, message, ...(example !== undefined && { example }) }] }
}

/** The refusal of a document. */
export function siteInvalid(problems: readonly ConfigProblem[]): SiteRefusal {
  return { ok: false, reason: 'invalid', problems: [...problems] }
}

/** The refusal for an id that was not found. */
export function siteNotFound(place: string, what: string): SiteRefusal {
  return siteRefused('not_found', place, `must be a known ${what}`)
}

/** The refusal of a change that somebody else's has crossed. */
export const CHANGED = siteRefused(
  'conflict',
  'revision',
  'must be the latest: somebody else has changed this',
)

/** Whether a change is based on another state than the current one. Without `revision` it is based on any. */
export function isStale(known: { revision: number } | null, revision: number | undefined): boolean {
  return revision !== undefined && revision !== (known?.revision ?? 0)
}

/** The row of a site; refused if it is missing, or if somebody else has changed it since `revision`. */
export function unchanged(tables: SiteTables, id: string, revision: number | undefined): SiteAnswer<SiteRow> {
  const row = tables.site(id)
  if (!row) return siteNotFound('id', 'site')
  return isStale(row, revision) ? CHANGED : { ok: true, value: row }
}

/** The most versions of one site within 70 minutes: an entry carries them all. A suspension is never refused. */
export const MAX_RECENT = 30
const RECENT_MS = 4_200_000

/** The refusal of a registry that has nowhere to publish. */
export const UNBOUND = siteRefused(
  'conflict',
  'HOSTS',
  'must be bound',
  '[[kv_namespaces]] binding = "HOSTS"',
)

/** Why a valid document must not be published now; undefined where it may be. */
export function notNow(
  tables: SiteTables,
  id: string,
  { mode, hosts }: SiteDocument,
): SiteRefusal | undefined {
  if (mode === 'draft')
    return siteRefused('invalid', 'mode', 'must be "shadow" or "live" before it is published', '"live"')
  const proofs = new Map(tables.hostsOf(id).map((proof) => [proof.host, proof]))
  const unproven = hosts.filter((host) => proofs.get(host)?.provenAt == null && !isLocalHost(host))
  if (unproven.length > 0)
    return {
      ok: false,
      reason: 'unproven',
      problems: unproven.map((host) => ({
        place: `hosts[${hosts.indexOf(host)}]`,
        message: 'must be proven: set the TXT record, then prove it',
        example: `_tab402.${host} TXT "${proofs.get(host)?.token ?? ''}"`,
      })),
    }
  const oldest = tables.versions(id, Number.MAX_SAFE_INTEGER, MAX_RECENT)[MAX_RECENT - 1]
  return oldest && oldest.at > Date.now() - RECENT_MS
    ? siteRefused('too_many', 'version', `must wait: ${MAX_RECENT} versions within 70 minutes are the most`)
    : undefined
}

/** Documents of one parser have their keys in one order; those of `terms` may differ, which makes a new draft at worst. */
export function same(one: object | null, other: object | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
