/** Hosts that serve, as they were checked from here, and changes of where money goes: what alerts ask the registry. */
import type { HostProof } from './record.ts'
import type { SiteTables } from './tables.ts'

/** A host of a site in force, and why it does not work for its readers. */
export type BrokenHost = { site: string; host: string; why: string }

/** A receiver that an act has changed. `from` and `to`: an address, `publisher <id>` for that of a publisher, or `none`. */
export type ChangedReceiver = { seq: number; who: string; subject: string; from: string; to: string }

/** The finding of one check: why the host is broken; null where it works. */
export type HostFinding = { host: string; why: string | null }

/** Hosts without a site in force that one call passes over, so that none of them blocks the turn of others. */
const MAX_PASSED = 200
/** The most broken hosts that are named. */
const MAX_BROKEN = 200
/** The newest changes among which receivers are looked for. */
const MAX_CHANGES = 500

const SCHEMA = `CREATE TABLE IF NOT EXISTS host_check (
  host TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  why TEXT
) STRICT, WITHOUT ROWID`

const DUE = `SELECT host.host, site, token, proven_at, how FROM host LEFT JOIN host_check USING (host)
  ORDER BY coalesce(host_check.at, 0), host.host LIMIT ?`

const BROKEN = `SELECT host.host, site, why FROM host_check JOIN host USING (host)
  WHERE why IS NOT NULL ORDER BY host.host LIMIT ?`

/** The destination in a document of a site or a publisher. */
const destination = (document: string) =>
  `lower(coalesce(json_extract(${document}, '$.terms.RECEIVER'), json_extract(${document}, '$.receiver'),
     'publisher ' || json_extract(${document}, '$.publisher'), 'none'))`

const RECEIVERS = `SELECT seq, who, subject, ${destination('before')} AS was, ${destination('after')} AS now
  FROM (SELECT * FROM change ORDER BY seq DESC LIMIT ?)
  WHERE at > ? AND before IS NOT NULL AND after IS NOT NULL AND was <> now
    AND what IN ('publisher.put', 'site.publish', 'site.revert', 'site.resume') ORDER BY seq`

/** The checks of one registry's hosts. Synchronous: the caller opens the transaction. */
export class HostChecks {
  readonly #sql: SqlStorage
  readonly #tables: SiteTables

  constructor(sql: SqlStorage, tables: SiteTables) {
    this.#sql = sql
    this.#tables = tables
    sql.exec(SCHEMA)
  }

  /** The hosts of sites in force that were not checked for longest. Hosts of other sites are passed over. */
  due(limit: number, now: number): HostProof[] {
    const due: HostProof[] = []
    for (const { host, site } of this.#sql.exec(DUE, MAX_PASSED + limit).toArray()) {
      if (due.length === limit) break
      const proof = this.#tables.hostsOf(String(site)).find((known) => known.host === host)
      if (proof && this.#serves(String(site), proof.host, now)) due.push(proof)
      else this.note([{ host: String(host), why: null }], now)
    }
    return due
  }

  note(findings: readonly HostFinding[], now: number): void {
    for (const { host, why } of findings)
      this.#sql.exec('INSERT OR REPLACE INTO host_check VALUES (?, ?, ?)', host, now, why)
  }

  broken(): BrokenHost[] {
    const rows = this.#sql.exec(BROKEN, MAX_BROKEN).toArray()
    return rows.map(({ site, host, why }) => ({ site: String(site), host: String(host), why: String(why) }))
  }

  /** The receivers that were changed after `since` (Unix ms), among the newest 500 changes. */
  receivers(since: number): ChangedReceiver[] {
    return this.#sql
      .exec(RECEIVERS, MAX_CHANGES, since)
      .toArray()
      .map(({ seq, who, subject, was, now }) => ({
        seq: Number(seq),
        who: String(who),
        subject: String(subject),
        from: String(was),
        to: String(now),
      }))
  }

  #serves(site: string, host: string, now: number): boolean {
    const document = this.#tables.versionAt(site, now)?.document
    return (
      document !== undefined &&
      (document.mode === 'live' || document.mode === 'shadow') &&
      document.hosts.includes(host)
    )
  }
}
