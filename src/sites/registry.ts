/** The registry of sites and publishers: one Durable Object, the authority on which host is which site. */
import { DurableObject } from 'cloudflare:workers'
import type { ConfigProblem } from '../platform/problem.ts'
import type { Publisher, SiteDocument, SiteMode } from './document.ts'
import type { HostStore } from './entry.ts'
import type {
  Listed,
  ProofMethod,
  Published,
  PublisherRecord,
  SiteAnswer,
  SiteChange,
  SiteRecord,
  SiteSummary,
  SiteVersion,
} from './record.ts'

/** What the registry needs from its Worker. */
export type SitesSettings = {
  /** Judges the terms of a site as the Worker will read them; `problems` refuse it, `warnings` do not. */
  validate: (document: SiteDocument) => {
    problems: readonly ConfigProblem[]
    warnings: readonly ConfigProblem[]
  }
  /** Where entries are published; undefined where no namespace is bound: then nothing can be published. */
  store: HostStore | undefined
  /** How long a version waits before it takes effect; 120 s in its absence. Milliseconds. */
  aheadMs?: number
}

/**
 * Every change is validated whole, stored with its audit event, and published to KV. A call returns a refusal with all
 * problems and never throws for one. `who` names the actor for the audit log.
 */
export class SitesBase<Env = unknown> extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env, settings: SitesSettings) {
    super(ctx, env)
    void settings
  }

  /** Lists sites in order of id, after `after`, at most `limit` (1 to 1,000). */
  async list(
    filter: { publisher?: string; mode?: SiteMode } = {},
    page: { after?: string; limit?: number } = {},
  ): Promise<Listed<SiteSummary>> {
    throw new Error(`to be filled ${JSON.stringify([filter, page])}`)
  }

  /** One site. */
  async read(id: string): Promise<SiteAnswer<SiteRecord>> {
    throw new Error(`to be filled ${id}`)
  }

  /** The versions of a site, newest first, with `version < before`. */
  async versions(
    id: string,
    page: { before?: number; limit?: number } = {},
  ): Promise<SiteAnswer<Listed<SiteVersion, number>>> {
    throw new Error(`to be filled ${id} ${page}`)
  }

  /** All problems and warnings of a document, against the registry as it is. Stores nothing. */
  async check(document: unknown): Promise<SiteAnswer<SiteDocument>> {
    throw new Error(`to be filled ${document}`)
  }

  /**
   * Stores a document as the site's draft; creates the site where its id is new. With `revision`, only if that is the draft's
   * (0: the site has no draft). Idempotent for an equal document.
   */
  async put(who: string, document: unknown, revision?: number): Promise<SiteAnswer<SiteRecord>> {
    throw new Error(`to be filled ${who} ${document} ${revision}`)
  }

  /** Drops the draft; a site that was never published is removed with it. */
  async discard(who: string, id: string): Promise<SiteAnswer<SiteRecord | null>> {
    throw new Error(`to be filled ${who} ${id}`)
  }

  /** Publishes the draft as the next version. Its mode must be "shadow" or "live", and each host proven. */
  async publish(who: string, id: string, note?: string): Promise<SiteAnswer<Published>> {
    throw new Error(`to be filled ${who} ${id} ${note}`)
  }

  /** Publishes the document of an earlier version as the next version. The draft stays. */
  async revert(who: string, id: string, version: number, note?: string): Promise<SiteAnswer<Published>> {
    throw new Error(`to be filled ${who} ${id} ${version} ${note}`)
  }

  /** Suspends a site at once: no host of it serves anything. An isolate follows within about two minutes. Idempotent. */
  async suspend(who: string, id: string, note?: string): Promise<SiteAnswer<Published>> {
    throw new Error(`to be filled ${who} ${id} ${note}`)
  }

  /** Publishes what was in force before the suspension. */
  async resume(who: string, id: string, note?: string): Promise<SiteAnswer<Published>> {
    throw new Error(`to be filled ${who} ${id} ${note}`)
  }

  /** Removes a site from all its hosts. Its versions stay, its id stays taken. */
  async remove(who: string, id: string, note?: string): Promise<SiteAnswer<Published>> {
    throw new Error(`to be filled ${who} ${id} ${note}`)
  }

  /** Stores that a host of a site is proven. The caller has looked: the registry asks no one. */
  async prove(who: string, id: string, host: string, how: ProofMethod): Promise<SiteAnswer<SiteRecord>> {
    throw new Error(`to be filled ${who} ${id} ${host} ${how}`)
  }

  /** Creates or replaces a publisher. A new receiver holds for what is published afterwards. */
  async putPublisher(who: string, document: unknown): Promise<SiteAnswer<PublisherRecord>> {
    throw new Error(`to be filled ${who} ${document}`)
  }

  /** One publisher. */
  async readPublisher(id: string): Promise<SiteAnswer<PublisherRecord>> {
    throw new Error(`to be filled ${id}`)
  }

  /** Lists publishers in order of id. */
  async listPublishers(page: { after?: string; limit?: number } = {}): Promise<Listed<Publisher>> {
    throw new Error(`to be filled ${page}`)
  }

  /** The audit log, newest first, with `seq < before`; of one subject ("site:ID", "publisher:ID") or of all. */
  async changes(
    page: { subject?: string; before?: number; limit?: number } = {},
  ): Promise<Listed<SiteChange, number>> {
    throw new Error(`to be filled ${page}`)
  }
}
