/** How the registry judges a document beside its terms, and the refusals that it returns. */
import type { ConfigProblem } from '../platform/problem.ts'
import type { SiteDocument } from './document.ts'
import { normalHost } from './host.ts'
import type { SiteRefusal } from './record.ts'
import type { SiteTables } from './tables.ts'

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

/** A refusal with one problem. */
export function refused(
  reason: SiteRefusal['reason'],
  place: string,
  message: string,
  example?: string,
): SiteRefusal {
  return { ok: false, reason, problems: [{ place, message, ...(example !== undefined && { example }) }] }
}

/** The refusal of a document. */
export function invalid(problems: readonly ConfigProblem[]): SiteRefusal {
  return { ok: false, reason: 'invalid', problems: [...problems] }
}

/** The refusal for an id that was not found. */
export function notFound(place: string, what: string): SiteRefusal {
  return refused('not_found', place, `must be a known ${what}`)
}

/** The refusal of a change that somebody else's has crossed. */
export const CHANGED = refused('conflict', 'revision', 'must be the latest: somebody else has changed this')

/** Whether a change is based on another state than the current one. Without `revision` it is based on any. */
export function isStale(known: { revision: number } | null, revision: number | undefined): boolean {
  return revision !== undefined && revision !== (known?.revision ?? 0)
}
