/** Entries of hosts, made from the registry's tables and written to KV. */
import { log } from '../platform/log.ts'
import { mapConcurrently } from '../platform/pool.ts'
import { entryKey, type HostEntry, type HostStore, type HostVersion, LONGEST_OFFER_MS } from './entry.ts'
import type { Publication, SiteTables, VersionRow } from './tables.ts'

/** Keys that are written in one go. Beyond it the alarm continues. */
const MAX_AT_ONCE = 500
/** The publications of a host that may be in its entry: all of an hour, with those of a site that had it before. */
const MAX_PUBLICATIONS = 64

/**
 * The entry of a host: its last publication, with all those before it that may be in force or whose offers may be valid at
 * `now`. Null for a host that was never published.
 */
export function entryOf(tables: SiteTables, host: string, now: number): HostEntry | null {
  const [last, ...earlier] = tables.publications(host, MAX_PUBLICATIONS)
  if (!last) return null
  const kept = [last]
  let endsAt = effectiveAt(tables, last)
  for (const publication of earlier) {
    if (endsAt + LONGEST_OFFER_MS <= now) break
    kept.push(publication)
    endsAt = Math.min(endsAt, effectiveAt(tables, publication))
  }
  const version = kept.reduceRight<HostVersion | undefined>((previous, { site, version }) => {
    const row = rowOf(tables, { site, version })
    return { ...versionFor(host, site, row), ...(previous && { previous }) }
  }, undefined)
  return version ? { sequence: last.seq, ...version } : null
}

/** A site's document with the receiver of its publisher, where its terms name none. */
export function resolved({ document, receiver }: Pick<VersionRow, 'document' | 'receiver'>) {
  if (receiver === null || document.terms.RECEIVER !== undefined) return document
  return { ...document, terms: { ...document.terms, RECEIVER: receiver } }
}

function versionFor(host: string, id: string, row: VersionRow): HostVersion {
  const { version, effectiveAt, document } = row
  const isServed = document.mode !== 'draft' && document.hosts.includes(host)
  return {
    id,
    publisher: document.publisher,
    version,
    effectiveAt,
    document: isServed ? resolved(row) : null,
  }
}

function effectiveAt(tables: SiteTables, publication: Pick<Publication, 'site' | 'version'>): number {
  return rowOf(tables, publication).effectiveAt
}

function rowOf(tables: SiteTables, { site, version }: Pick<Publication, 'site' | 'version'>): VersionRow {
  const row = tables.version(site, version)
  if (!row) throw new Error(`version ${version} of ${site} is not stored`)
  return row
}

/**
 * Writes the entries of waiting hosts to KV, one call after the other, so that no older entry follows a newer one. Never
 * rejects: what cannot be written stays waiting.
 */
export class EntryWriter {
  readonly #tables: SiteTables
  readonly #store: Pick<HostStore, 'put'>
  #turn: Promise<unknown> = Promise.resolve()

  constructor(tables: SiteTables, store: Pick<HostStore, 'put'>) {
    this.#tables = tables
    this.#store = store
  }

  async flush(): Promise<void> {
    const turn = this.#turn.then(async () => {
      const hosts = this.#tables.pending(MAX_AT_ONCE)
      await mapConcurrently(hosts, (host) => this.#write(host), notWritten)
    })
    this.#turn = turn
    await turn
  }

  async #write(host: string): Promise<void> {
    const entry = entryOf(this.#tables, host, Date.now())
    if (!entry) return
    await this.#store.put(entryKey(host), JSON.stringify(entry))
    this.#tables.written(entry.sequence)
  }
}

function notWritten(host: string, fault: unknown): void {
  const message = 'the entry of a host was not written, trying again'
  log('host_entry', { what: message, host, fault })
}
