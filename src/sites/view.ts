/** The registry as callers see it: sites, versions, publishers and changes, read from its tables. */
import type { Publisher, SiteDocument, SiteMode } from './document.ts'
import { resolved } from './publish.ts'
import type {
  ListPage,
  PublishedVersion,
  PublisherRecord,
  SiteChange,
  SiteRecord,
  SiteSummary,
  SiteVersion,
} from './record.ts'
import type { SiteRow, SiteTables, VersionRow } from './tables.ts'

/** The most rows of one page. */
export const MAX_PAGE = 1_000
const DEFAULT_PAGE = 100
const END = Number.MAX_SAFE_INTEGER

/** A page of rows after a cursor, in ascending order. `limit` is 1 to 1,000; 100 in its absence. */
export type Page<Cursor> = { after?: Cursor; limit?: number }
/** A page of rows before a cursor, in descending order. */
export type PageBefore = { before?: number; limit?: number }
/** Sites of one publisher, or in one mode. */
export type SiteFilter = { publisher?: string; mode?: SiteMode }

/** Reads the tables of one registry. `aheadMs`: how long a version waits before it takes effect. */
export class SiteView {
  readonly #tables: SiteTables
  readonly #aheadMs: number

  constructor(tables: SiteTables, aheadMs: number) {
    this.#tables = tables
    this.#aheadMs = aheadMs
  }

  list({ publisher, mode }: SiteFilter, { after = '', limit }: Page<string>): ListPage<SiteSummary> {
    const size = sizeOf(limit)
    const rows: SiteSummary[] = []
    let read = this.#tables.sites(after, MAX_PAGE, publisher)
    while (read.length > 0 && rows.length <= size) {
      const found = read.map((row) => this.#summary(row))
      rows.push(...found.filter((site) => mode === undefined || site.mode === mode))
      read = this.#tables.sites(read.at(-1)?.id ?? '', MAX_PAGE, publisher)
    }
    return listed(rows, size, ({ id }) => id)
  }

  served({ after = '', limit }: Page<string>): ListPage<SiteDocument> {
    const size = sizeOf(limit)
    const sites = this.#tables.sites(after, size)
    const versions = sites.map(({ id }) => this.#tables.versionAt(id, Date.now()))
    const served = versions.flatMap((version) => (version ? resolved(version) : []))
    const rows = served.filter(({ mode }) => mode === 'live' || mode === 'shadow')
    return { rows, next: sites.length < size ? null : (sites.at(-1)?.id ?? null) }
  }

  versions(id: string, { before = END, limit }: PageBefore): ListPage<SiteVersion, number> {
    const size = sizeOf(limit)
    const rows = this.#tables.versions(id, before, size + 1).map(shown)
    return listed(rows, size, ({ version }) => version)
  }

  publishers({ after = '', limit }: Page<string>): ListPage<Publisher> {
    const size = sizeOf(limit)
    return listed(this.#tables.publishers(after, size + 1), size, ({ id }) => id)
  }

  changes({ subject, before = END, limit }: PageBefore & { subject?: string }): ListPage<SiteChange, number> {
    const size = sizeOf(limit)
    return listed(this.#tables.changes(subject, before, size + 1), size, ({ seq }) => seq)
  }

  record({ id, publisher, draft, revision, at, who }: SiteRow): SiteRecord {
    const last = this.#tables.lastVersion(id)
    return {
      id,
      publisher,
      mode: this.modeOf(id, Date.now()),
      revision,
      draft: draft && { document: draft, at, who },
      published: last && shown(last),
      hosts: this.#tables.hostsOf(id),
      pending: this.#tables.pendingOf(id),
    }
  }

  publisher(publisher: Publisher): PublisherRecord {
    const sites = this.#tables.sites('', MAX_PAGE, publisher.id).map(({ id }) => id)
    return { ...publisher, sites, revision: this.#tables.publisherRevision(publisher.id) }
  }

  published(id: string, version: VersionRow): PublishedVersion {
    const { at, effectiveAt } = version
    const everywhereBy = Math.max(effectiveAt, at + this.#aheadMs)
    return { ...shown(version), everywhereBy, pending: this.#tables.pendingOf(id) }
  }

  /** The mode in force: of the newest version that has taken effect. */
  modeOf(id: string, now: number): SiteMode {
    return this.#tables.versionAt(id, now)?.document.mode ?? 'draft'
  }

  /** Whether a version is still to take effect. */
  isAwaited(id: string, now: number): boolean {
    return (this.#tables.lastVersion(id)?.effectiveAt ?? 0) > now
  }

  #summary(row: SiteRow): SiteSummary {
    const { id, publisher, mode, published, draft, hosts } = this.record(row)
    const document: SiteDocument | undefined = (published ?? draft)?.document
    return {
      id,
      publisher,
      mode,
      hosts: hosts.map(({ host }) => host),
      via: document?.via ?? 'hostname',
      version: published?.version ?? 0,
      hasDraft: draft !== null,
    }
  }
}

function shown({ receiver: _, ...version }: VersionRow): SiteVersion {
  return version
}

function sizeOf(limit = DEFAULT_PAGE): number {
  return Math.min(Math.max(Math.trunc(limit) || 1, 1), MAX_PAGE)
}

function listed<Row, Cursor>(rows: Row[], size: number, cursor: (row: Row) => Cursor): ListPage<Row, Cursor> {
  const page = rows.slice(0, size)
  const last = page.at(-1)
  return { rows: page, next: last && rows.length > size ? cursor(last) : null }
}
