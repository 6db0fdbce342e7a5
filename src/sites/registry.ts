/** The registry of sites and publishers: one Durable Object, the authority on which host is which site. */

import { DurableObject } from 'cloudflare:workers'
import { log } from '../platform/log.ts'
import { type Publisher, parsePublisher, parseSite, type SiteDocument } from './document.ts'
import type { HostStore } from './entry.ts'
import { HostChecks, type HostFinding } from './host-checks.ts'
import {
  CHANGED,
  hostProblems,
  isStale,
  NO_PUBLISHER,
  notNow,
  same,
  siteInvalid,
  siteNotFound,
  siteRefused,
  UNBOUND,
  unchanged,
  type Validate,
} from './judge.ts'
import { EntryWriter, resolved } from './publish.ts'
import type {
  ListPage,
  ProofMethod,
  PublishedVersion,
  PublisherRecord,
  SiteAct,
  SiteAnswer,
  SiteChange,
  SiteRecord,
  SiteSummary,
  SiteVersion,
} from './record.ts'
import { type SiteRow, SiteTables, type VersionRow } from './tables.ts'
import { MAX_PAGE, type Page, type PageBefore, type SiteFilter, SiteView } from './view.ts'

/** The parts of its Worker that the registry needs. */
export type SitesSettings = {
  /** Judges the terms of a site as the Worker will read them. */
  validate: Validate
  /** Where entries are published; undefined where no namespace is bound: then nothing can be published. */
  store: Pick<HostStore, 'put'> | undefined
  /** How long a version waits before it takes effect, in milliseconds; {@link AHEAD_MS} in its absence. */
  aheadMs?: number
}

/** KV shows a write elsewhere within a minute, and no isolate uses a copy for a minute more: all have a version by then. */
export const AHEAD_MS = 120_000
/** The most sites. Beyond it a new one is refused. */
export const MAX_SITES = 10_000
/** When the alarm tries again to write to KV. */
const RETRY_MS = 30_000
const MAX_NOTE_CHARS = 500

/** An act on a site, with its actor and a note for the history. */
type Deed = { who: string; act: SiteAct; note: string | undefined }

/**
 * Every change is validated whole, stored with its audit event, and published to KV. A call returns a refusal with all
 * problems and never throws for one. `who` names the actor for the audit log. With `revision` a call changes a site or a
 * publisher only if it has that one still (0: it is new).
 */
export class SitesBase<Env = unknown> extends DurableObject<Env> {
  readonly #tables: SiteTables
  readonly #view: SiteView
  readonly #checks: HostChecks
  readonly #writer: EntryWriter | undefined
  readonly #validate: Validate
  readonly #aheadMs: number

  constructor(ctx: DurableObjectState, env: Env, { validate, store, aheadMs = AHEAD_MS }: SitesSettings) {
    super(ctx, env)
    this.#tables = new SiteTables(ctx.storage.sql)
    this.#view = new SiteView(this.#tables, aheadMs)
    this.#checks = new HostChecks(ctx.storage.sql, this.#tables)
    this.#writer = store && new EntryWriter(this.#tables, store)
    this.#validate = validate
    this.#aheadMs = aheadMs
  }

  /** Lists sites in order of id, after `after`, at most `limit` (1 to 1,000). */
  async list(filter: SiteFilter = {}, page: Page<string> = {}): Promise<ListPage<SiteSummary>> {
    return this.#view.list(filter, page)
  }

  /** One site. */
  async read(id: string): Promise<SiteAnswer<SiteRecord>> {
    const row = this.#tables.site(id)
    return row ? { ok: true, value: this.#view.record(row) } : siteNotFound('id', 'site')
  }

  /** The documents in force of sites that serve, in order of id. */
  async served(page: Page<string> = {}): Promise<ListPage<SiteDocument>> {
    return this.#view.served(page)
  }

  /** The versions of a site, newest first, with `version < before`. */
  async versions(id: string, page: PageBefore = {}): Promise<SiteAnswer<ListPage<SiteVersion, number>>> {
    return this.#tables.site(id)
      ? { ok: true, value: this.#view.versions(id, page) }
      : siteNotFound('id', 'site')
  }

  /** All problems and warnings of a document, against the registry as it is. Stores nothing. */
  async check(document: unknown): Promise<SiteAnswer<SiteDocument>> {
    return this.#judge(document)
  }

  /**
   * Stores a document as the site's draft; creates the site where its id is new. Idempotent for an equal document, whatever
   * the revision; one that equals what is published leaves no draft.
   */
  async put(who: string, document: unknown, revision?: number): Promise<SiteAnswer<SiteRecord>> {
    const judged = this.#judge(document)
    if (!judged.ok) return judged
    const { value: site, warnings } = judged
    const known = this.#tables.site(site.id)
    if (!known && this.#tables.count() >= MAX_SITES)
      return siteRefused('too_many', 'id', `must be of a known site: ${MAX_SITES} sites are the most`)
    const published = this.#tables.lastVersion(site.id)?.document ?? null
    const draft = same(site, published) ? null : site
    const isEqual = known !== null && same(known.draft, draft)
    if (!isEqual && isStale(known, revision)) return CHANGED
    if (!isEqual)
      this.ctx.storage.transactionSync(() => {
        const at = Date.now()
        const next = (known?.revision ?? 0) + 1
        const publisher = published?.publisher ?? site.publisher
        this.#tables.putSite({ id: site.id, publisher, draft, revision: next, at, who })
        this.#tables.claimHosts(site.id)
        this.#note({ who, what: 'site.put', subject: `site:${site.id}` }, known?.draft ?? published, site)
      })
    return { ok: true, value: this.#view.record(this.#row(site.id)), ...(warnings && { warnings }) }
  }

  /** Drops the draft. A site that was never published is removed with it, and null returned. */
  async discard(who: string, id: string, revision?: number): Promise<SiteAnswer<SiteRecord | null>> {
    const found = unchanged(this.#tables, id, revision)
    if (!found.ok) return found
    const row = found.value
    const isNew = this.#tables.lastVersion(id) === null
    if (row.draft)
      this.ctx.storage.transactionSync(() => {
        this.#tables.putSite({ ...row, draft: null, revision: row.revision + 1, at: Date.now(), who })
        this.#tables.claimHosts(id)
        if (isNew) this.#tables.dropSite(id)
        this.#note({ who, what: 'site.discard', subject: `site:${id}` }, row.draft, null)
      })
    return { ok: true, value: isNew ? null : this.#view.record(this.#row(id)) }
  }

  /** Publishes the draft as the next version. Its mode must be "shadow" or "live", and each host proven. */
  async publish(
    who: string,
    id: string,
    note?: string,
    revision?: number,
  ): Promise<SiteAnswer<PublishedVersion>> {
    const found = unchanged(this.#tables, id, revision)
    if (!found.ok) return found
    const row = found.value
    if (!row.draft)
      return siteRefused('conflict', 'draft', 'must be there: nothing has changed since the last publish')
    return this.#publish(row, row.draft, { who, act: 'publish', note })
  }

  /** Publishes the document of an earlier version as the next version. The draft stays. */
  async revert(
    who: string,
    id: string,
    version: number,
    note?: string,
    revision?: number,
  ): Promise<SiteAnswer<PublishedVersion>> {
    const found = unchanged(this.#tables, id, revision)
    if (!found.ok) return found
    const earlier = this.#tables.version(id, version)
    if (!earlier) return siteNotFound('version', 'version')
    return this.#publish(found.value, earlier.document, { who, act: 'revert', note })
  }

  /** Suspends a site at once: no host of it serves anything. An isolate follows within two minutes. Idempotent. */
  async suspend(
    who: string,
    id: string,
    note?: string,
    revision?: number,
  ): Promise<SiteAnswer<PublishedVersion>> {
    return this.#stop({ who, act: 'suspend', note }, id, revision)
  }

  /** Publishes what was in force before the suspension. */
  async resume(
    who: string,
    id: string,
    note?: string,
    revision?: number,
  ): Promise<SiteAnswer<PublishedVersion>> {
    const found = unchanged(this.#tables, id, revision)
    if (!found.ok) return found
    const versions = this.#tables.versions(id, Number.MAX_SAFE_INTEGER, MAX_PAGE)
    const earlier = versions.find(({ document }) => document.mode !== 'suspended')
    if (versions[0]?.document.mode !== 'suspended' || !earlier)
      return siteRefused('conflict', 'id', 'must be the id of a suspended site')
    return this.#publish(found.value, earlier.document, { who, act: 'resume', note })
  }

  /** Removes a site from all its hosts. Its versions stay, and its id stays taken. Idempotent. */
  async remove(
    who: string,
    id: string,
    note?: string,
    revision?: number,
  ): Promise<SiteAnswer<PublishedVersion>> {
    return this.#stop({ who, act: 'remove', note }, id, revision)
  }

  /** Stores that a host of a site is proven. The caller has looked, and the registry looks for nothing. */
  async prove(who: string, id: string, host: string, how: ProofMethod): Promise<SiteAnswer<SiteRecord>> {
    const row = this.#tables.site(id)
    if (!row) return siteNotFound('id', 'site')
    const known = this.#tables.hostsOf(id).find((proof) => proof.host === host)
    if (!known) return siteNotFound('host', 'host of this site')
    if (known.provenAt === null)
      this.ctx.storage.transactionSync(() => {
        const proven = { ...known, provenAt: Date.now(), how }
        this.#tables.putHost(id, proven)
        this.#note({ who, what: 'host.prove', subject: `site:${id}` }, null, { host, how })
      })
    return { ok: true, value: this.#view.record(row) }
  }

  /** Creates or replaces a publisher. A new receiver holds for what is published afterwards. */
  async putPublisher(
    who: string,
    document: unknown,
    revision?: number,
  ): Promise<SiteAnswer<PublisherRecord>> {
    const read = parsePublisher(document)
    if (!read.ok) return siteInvalid(read.problems)
    const publisher = read.value
    const known = this.#tables.publisher(publisher.id)
    if (same(known, publisher)) return { ok: true, value: this.#view.publisher(publisher) }
    const current = { revision: this.#tables.publisherRevision(publisher.id) }
    if (isStale(current, revision)) return CHANGED
    this.ctx.storage.transactionSync(() => {
      this.#tables.putPublisher(publisher)
      this.#note({ who, what: 'publisher.put', subject: `publisher:${publisher.id}` }, known, publisher)
    })
    return { ok: true, value: this.#view.publisher(publisher) }
  }

  /** One publisher. */
  async readPublisher(id: string): Promise<SiteAnswer<PublisherRecord>> {
    const publisher = this.#tables.publisher(id)
    return publisher ? { ok: true, value: this.#view.publisher(publisher) } : siteNotFound('id', 'publisher')
  }

  /** Lists publishers in order of id. */
  async listPublishers(page: Page<string> = {}): Promise<ListPage<Publisher>> {
    return this.#view.publishers(page)
  }

  /** The audit log, newest first, with `seq < before`; of one subject ("site:ID", "publisher:ID") or of all. */
  async changes(page: PageBefore & { subject?: string } = {}): Promise<ListPage<SiteChange, number>> {
    return this.#view.changes(page)
  }

  /** Audit events with `seq > after`, oldest first: the audit log copies them. */
  async acts(after: number, limit: number): Promise<SiteChange[]> {
    return this.#tables.changesAfter(after, limit)
  }

  /** The hosts in force that were not checked for longest, at most `limit`. */
  async dueHosts(limit: number) {
    return this.ctx.storage.transactionSync(() => this.#checks.due(limit, Date.now()))
  }

  /** Stores what checks of hosts have found. */
  async checked(findings: readonly HostFinding[]): Promise<void> {
    this.ctx.storage.transactionSync(() => this.#checks.note(findings, Date.now()))
  }

  /** The hosts that the last checks found broken, and the receivers that were changed after `since` (Unix ms). */
  async watched(since: number) {
    return { broken: this.#checks.broken(), receivers: this.#checks.receivers(since) }
  }

  /** Writes every host's entry to KV again, after a namespace was lost. Returns the hosts that wait still, at most 500. */
  async republish(who: string): Promise<{ pending: string[] }> {
    this.ctx.storage.transactionSync(() => {
      this.#tables.markAll()
      this.#note({ who, what: 'sites.republish', subject: 'sites' }, null, null)
      void this.ctx.storage.setAlarm(Date.now() + RETRY_MS)
    })
    await this.#writer?.flush()
    return { pending: this.#tables.pending(500) }
  }

  /** Repairs publishes that reached the registry and not KV. Trap: an alarm that throws six times is dropped. */
  override async alarm(): Promise<void> {
    await this.#writer?.flush().catch((fault) => {
      log('host_entries_not_written', { fault })
    })
    if (this.#tables.pending(1).length > 0) await this.ctx.storage.setAlarm(Date.now() + RETRY_MS)
  }

  /** A document with all its problems: of its shape, of its place in the registry, and of its terms. */
  #judge(document: unknown): SiteAnswer<SiteDocument> {
    const read = parseSite(document)
    if (!read.ok) return siteInvalid(read.problems)
    const site = read.value
    const publisher = this.#tables.publisher(site.publisher)
    const { problems, warnings } = this.#validate(
      resolved({ document: site, receiver: publisher?.receiver ?? null }),
    )
    const all = [...(publisher ? [] : [NO_PUBLISHER]), ...hostProblems(this.#tables, site), ...problems]
    if (all.length > 0) return siteInvalid(all)
    return { ok: true, value: site, ...(warnings.length > 0 && { warnings: [...warnings] }) }
  }

  async #publish(row: SiteRow, document: SiteDocument, by: Deed): Promise<SiteAnswer<PublishedVersion>> {
    const judged = this.#judge(document)
    if (!judged.ok) return judged
    const refusal = this.#writer ? notNow(this.#tables, row.id, document) : UNBOUND
    if (refusal) return refusal
    const now = Date.now()
    // A site that serves nothing has made no offer that is valid: it begins at once.
    const isIdle =
      ['draft', 'suspended'].includes(this.#view.modeOf(row.id, now)) && !this.#view.isAwaited(row.id, now)
    const effectiveAt = isIdle ? now : now + this.#aheadMs
    const published = await this.#add(row, document, { ...by, at: now, effectiveAt })
    const { warnings } = judged
    return { ok: true, value: published, ...(warnings && { warnings }) }
  }

  /** Suspends or removes: both take effect as soon as an isolate reads them. */
  async #stop(
    by: Deed & { act: 'suspend' | 'remove' },
    id: string,
    revision: number | undefined,
  ): Promise<SiteAnswer<PublishedVersion>> {
    const found = unchanged(this.#tables, id, revision)
    if (!found.ok) return found
    const { act } = by
    const last = this.#tables.lastVersion(id)
    const mode = act === 'suspend' ? 'suspended' : 'draft'
    if (!last || (act === 'suspend' && last.document.mode === 'draft'))
      return siteRefused('conflict', 'id', 'must be the id of a published site')
    if (!this.#writer) return UNBOUND
    if (last.document.mode === mode) return { ok: true, value: this.#view.published(id, last) }
    const [now, document] = [Date.now(), { ...last.document, mode } as const]
    return { ok: true, value: await this.#add(found.value, document, { ...by, at: now, effectiveAt: now }) }
  }

  /** Stores a version with all that follows from it, and writes its hosts to KV. */
  async #add(
    row: SiteRow,
    document: SiteDocument,
    by: Deed & { at: number; effectiveAt: number },
  ): Promise<PublishedVersion> {
    const { id } = row
    const last = this.#tables.lastVersion(id)
    const receiver = this.#tables.publisher(document.publisher)?.receiver ?? null
    const note = by.note?.slice(0, MAX_NOTE_CHARS) ?? null
    const version: VersionRow = { ...by, note, document, receiver, version: (last?.version ?? 0) + 1 }
    const before = this.#tables.servedHosts(id, by.at)
    this.ctx.storage.transactionSync(() => {
      this.#tables.addVersion(id, version)
      const draft = by.act === 'publish' ? null : row.draft
      this.#tables.putSite({ ...row, publisher: document.publisher, draft, revision: row.revision + 1 })
      for (const host of new Set([...before, ...document.hosts]))
        this.#tables.addPublication(host, id, version.version)
      this.#tables.claimHosts(id)
      const deed = { who: by.who, what: `site.${by.act}`, subject: `site:${id}` }
      this.#note(deed, last?.document ?? null, document)
      // In the same transaction: a crash before KV is written leaves the alarm.
      void this.ctx.storage.setAlarm(Date.now() + RETRY_MS)
    })
    await this.#writer?.flush()
    return this.#view.published(id, version)
  }

  #row(id: string): SiteRow {
    const row = this.#tables.site(id)
    if (!row) throw new Error(`site ${id} is not stored`)
    return row
  }

  #note(
    act: Pick<SiteChange, 'who' | 'what' | 'subject'>,
    before: object | null,
    after: object | null,
  ): void {
    const json = (document: object | null) => document && JSON.stringify(document)
    this.#tables.note({ ...act, at: Date.now(), before: json(before), after: json(after) })
  }
}
