/** The registry's tables. Every method is synchronous: the caller opens the transaction. */
import type { Publisher, SiteDocument } from './document.ts'
import { isLocalHost } from './host.ts'
import type { HostProof, ProofMethod, SiteAct, SiteChange, SiteVersion } from './record.ts'

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS publisher (
    id TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS site (
    id TEXT PRIMARY KEY,
    publisher TEXT NOT NULL,
    draft TEXT,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS site_by_publisher ON site (publisher, id)',
  `CREATE TABLE IF NOT EXISTS version (
    site TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    receiver TEXT,
    effective_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (site, version)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS host (
    host TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    token TEXT NOT NULL,
    proven_at INTEGER,
    how TEXT
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS host_by_site ON host (site)',
  // The versions that each host was published with. `pending`: its key in KV is not written yet.
  `CREATE TABLE IF NOT EXISTS publication (
    seq INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    site TEXT NOT NULL,
    version INTEGER NOT NULL,
    pending INTEGER NOT NULL
  ) STRICT`,
  'CREATE INDEX IF NOT EXISTS publication_by_host ON publication (host, seq)',
  'CREATE INDEX IF NOT EXISTS publication_pending ON publication (host) WHERE pending = 1',
  `CREATE TABLE IF NOT EXISTS change (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT,
    after TEXT
  ) STRICT`,
  'CREATE INDEX IF NOT EXISTS change_by_subject ON change (subject, seq)',
]

/** A site's own row. */
export type SiteRow = {
  id: string
  publisher: string
  draft: SiteDocument | null
  revision: number
  at: number
  who: string
}

/** A version with the receiver that its publisher had then. */
export type VersionRow = SiteVersion & { receiver: string | null }

/** One publication of a host: a version of a site, in the order of `seq`. */
export type Publication = { seq: number; host: string; site: string; version: number }

type Row = Record<string, SqlStorageValue>

/** The tables of one registry. Creates them where they are absent. */
export class SiteTables {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
    for (const statement of SCHEMA) sql.exec(statement)
  }

  publisher(id: string): Publisher | null {
    const [row] = this.#rows('SELECT document FROM publisher WHERE id = ?', id)
    return row ? JSON.parse(String(row.document)) : null
  }

  publishers(after: string, limit: number): Publisher[] {
    const rows = this.#rows('SELECT document FROM publisher WHERE id > ? ORDER BY id LIMIT ?', after, limit)
    return rows.map(({ document }) => JSON.parse(String(document)))
  }

  putPublisher(publisher: Publisher): void {
    const document = JSON.stringify(publisher)
    const revision = this.publisherRevision(publisher.id) + 1
    this.#rows('INSERT OR REPLACE INTO publisher VALUES (?, ?, ?)', publisher.id, document, revision)
  }

  /** 0 for an unknown publisher; grows with each change. */
  publisherRevision(id: string): number {
    return Number(this.#rows('SELECT revision FROM publisher WHERE id = ?', id)[0]?.revision ?? 0)
  }

  site(id: string): SiteRow | null {
    const [row] = this.#rows('SELECT * FROM site WHERE id = ?', id)
    return row ? siteOf(row) : null
  }

  /** Sites in order of id. `publisher`: of this one only. */
  sites(after: string, limit: number, publisher?: string): SiteRow[] {
    const rows =
      publisher === undefined
        ? this.#rows('SELECT * FROM site WHERE id > ? ORDER BY id LIMIT ?', after, limit)
        : this.#rows(
            'SELECT * FROM site WHERE publisher = ? AND id > ? ORDER BY id LIMIT ?',
            publisher,
            after,
            limit,
          )
    return rows.map(siteOf)
  }

  count(): number {
    return Number(this.#rows('SELECT count(*) AS sites FROM site')[0]?.sites)
  }

  putSite({ id, publisher, draft, revision, at, who }: SiteRow): void {
    const document = draft && JSON.stringify(draft)
    const values = [id, publisher, document, revision, at, who]
    this.#rows('INSERT OR REPLACE INTO site VALUES (?, ?, ?, ?, ?, ?)', ...values)
  }

  dropSite(id: string): void {
    this.#rows('DELETE FROM site WHERE id = ?', id)
  }

  version(site: string, version: number): VersionRow | null {
    const [row] = this.#rows('SELECT * FROM version WHERE site = ? AND version = ?', site, version)
    return row ? versionOf(row) : null
  }

  /** Versions below `before`, newest first. */
  versions(site: string, before: number, limit: number): VersionRow[] {
    const rows = this.#rows(
      'SELECT * FROM version WHERE site = ? AND version < ? ORDER BY version DESC LIMIT ?',
      site,
      before,
      limit,
    )
    return rows.map(versionOf)
  }

  lastVersion(site: string): VersionRow | null {
    return this.versions(site, Number.MAX_SAFE_INTEGER, 1)[0] ?? null
  }

  /** The newest version that has taken effect at `now`. */
  versionAt(site: string, now: number): VersionRow | null {
    const [row] = this.#rows(
      'SELECT * FROM version WHERE site = ? AND effective_at <= ? ORDER BY version DESC LIMIT 1',
      site,
      now,
    )
    return row ? versionOf(row) : null
  }

  addVersion(site: string, row: VersionRow): void {
    const { version, document, receiver, effectiveAt, at, who, act, note } = row
    const values = [site, version, JSON.stringify(document), receiver, effectiveAt, at, who, act, note]
    this.#rows('INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', ...values)
  }

  host(host: string): (HostProof & { site: string }) | null {
    const [row] = this.#rows('SELECT * FROM host WHERE host = ?', host)
    return row ? { ...proofOf(row), site: String(row.site) } : null
  }

  hostsOf(site: string): HostProof[] {
    return this.#rows('SELECT * FROM host WHERE site = ? ORDER BY host', site).map(proofOf)
  }

  putHost(site: string, { host, token, provenAt, how }: HostProof): void {
    this.#rows('INSERT OR REPLACE INTO host VALUES (?, ?, ?, ?, ?)', host, site, token, provenAt, how)
  }

  dropHost(host: string): void {
    this.#rows('DELETE FROM host WHERE host = ?', host)
  }

  /** The hosts of a site are those of its draft and of what is published. Others become free. */
  claimHosts(site: string): void {
    const last = this.lastVersion(site)?.document
    const published = last && last.mode !== 'draft' ? last.hosts : []
    const wanted = new Set([...published, ...(this.site(site)?.draft?.hosts ?? [])])
    for (const { host } of this.hostsOf(site)) if (!wanted.delete(host)) this.dropHost(host)
    for (const host of wanted) {
      const isLocal = isLocalHost(host)
      const proof = isLocal ? { provenAt: Date.now(), how: 'local' as const } : { provenAt: null, how: null }
      this.putHost(site, { host, token: crypto.randomUUID(), ...proof })
    }
  }

  /**
   * The hosts that a site may be served under at `now`: those of its last version, and those that only the version before one
   * that waits has. Another site may have been published to a host since.
   */
  servedHosts(site: string, now: number): string[] {
    const versions = [this.lastVersion(site), this.versionAt(site, now)]
    const hosts = versions.flatMap((version) =>
      version && version.document.mode !== 'draft' ? version.document.hosts : [],
    )
    return [...new Set(hosts)].filter((host) => this.publications(host, 1)[0]?.site === site)
  }

  /** The publications of a host, newest first. */
  publications(host: string, limit: number): Publication[] {
    const rows = this.#rows('SELECT * FROM publication WHERE host = ? ORDER BY seq DESC LIMIT ?', host, limit)
    return rows.map(publicationOf)
  }

  addPublication(host: string, site: string, version: number): void {
    this.#rows('UPDATE publication SET pending = 0 WHERE host = ? AND pending = 1', host)
    this.#rows(
      'INSERT INTO publication (host, site, version, pending) VALUES (?, ?, ?, 1)',
      host,
      site,
      version,
    )
  }

  /** Hosts whose key in KV is not written yet. */
  pending(limit: number): string[] {
    const rows = this.#rows('SELECT host FROM publication WHERE pending = 1 ORDER BY host LIMIT ?', limit)
    return rows.map(({ host }) => String(host))
  }

  /** The hosts that a site was published to last and whose key in KV is not written yet. */
  pendingOf(site: string): string[] {
    const rows = this.#rows('SELECT host FROM publication WHERE pending = 1 AND site = ? ORDER BY host', site)
    return rows.map(({ host }) => String(host))
  }

  /** Marks a publication as written, unless a newer one of its host waits. */
  written(seq: number): void {
    this.#rows('UPDATE publication SET pending = 0 WHERE seq = ?', seq)
  }

  /** Marks the last publication of every host as not written. */
  markAll(): void {
    this.#rows(
      'UPDATE publication SET pending = 1 WHERE seq IN (SELECT max(seq) FROM publication GROUP BY host)',
    )
  }

  note(change: Omit<SiteChange, 'seq'>): void {
    const { at, who, what, subject, before, after } = change
    this.#rows(
      'INSERT INTO change (at, who, what, subject, before, after) VALUES (?, ?, ?, ?, ?, ?)',
      ...[at, who, what, subject, before, after],
    )
  }

  changes(subject: string | undefined, before: number, limit: number): SiteChange[] {
    const rows =
      subject === undefined
        ? this.#rows('SELECT * FROM change WHERE seq < ? ORDER BY seq DESC LIMIT ?', before, limit)
        : this.#rows(
            'SELECT * FROM change WHERE subject = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
            subject,
            before,
            limit,
          )
    return rows.map(changeOf)
  }

  /** Changes above `after`, oldest first. */
  changesAfter(after: number, limit: number): SiteChange[] {
    return this.#rows('SELECT * FROM change WHERE seq > ? ORDER BY seq LIMIT ?', after, limit).map(changeOf)
  }

  #rows(statement: string, ...values: SqlStorageValue[]): Row[] {
    return this.#sql.exec(statement, ...values).toArray()
  }
}

function siteOf({ id, publisher, draft, revision, at, who }: Row): SiteRow {
  return {
    id: String(id),
    publisher: String(publisher),
    draft: draft == null ? null : JSON.parse(String(draft)),
    revision: Number(revision),
    at: Number(at),
    who: String(who),
  }
}

function versionOf(row: Row): VersionRow {
  return {
    version: Number(row.version),
    document: JSON.parse(String(row.document)),
    receiver: textOf(row.receiver),
    effectiveAt: Number(row.effective_at),
    at: Number(row.at),
    who: String(row.who),
    act: String(row.act) as SiteAct,
    note: textOf(row.note),
  }
}

function proofOf({ host, token, proven_at, how }: Row): HostProof {
  return {
    host: String(host),
    token: String(token),
    provenAt: proven_at == null ? null : Number(proven_at),
    how: textOf(how) as ProofMethod | null,
  }
}

function changeOf({ seq, at, who, what, subject, before, after }: Row): SiteChange {
  return {
    seq: Number(seq),
    at: Number(at),
    who: String(who),
    what: String(what),
    subject: String(subject),
    before: textOf(before),
    after: textOf(after),
  }
}

function publicationOf({ seq, host, site, version }: Row): Publication {
  return { seq: Number(seq), host: String(host), site: String(site), version: Number(version) }
}

function textOf(value: SqlStorageValue | undefined): string | null {
  return value == null ? null : String(value)
}
