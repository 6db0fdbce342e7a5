/** The answers of the registry: sites, publishers, versions and changes as data, without the object that stores them. */
import type { ConfigProblem } from '../platform/problem.ts'
import type { Publisher, SiteDocument, SiteMode } from './document.ts'

/** The name of the registry's only object. */
export const SITES = 'sites'

/**
 * Why a call changed nothing. `invalid`: the document has problems. `not_found`: the site, version or publisher was not found.
 * `conflict`: a host or a draft was changed by somebody else, or what is asked contradicts the state. `unproven`: a host has
 * no proof yet. `too_many`: a limit is reached.
 */
export type SiteRefusal = {
  ok: false
  reason: 'invalid' | 'not_found' | 'conflict' | 'unproven' | 'too_many'
  /** All of them; at least one. */
  problems: ConfigProblem[]
}

/** The answer to a call. */
export type SiteAnswer<Value> = { ok: true; value: Value; warnings?: ConfigProblem[] } | SiteRefusal

/** The proof that a site may speak for a host. */
export type HostProof = {
  host: string
  /** The value that a TXT record `_tab402.<host>` must have. */
  token: string
  /** Unix milliseconds; null while it is not proven. */
  provenAt: number | null
  /** How it was proven: "txt", "platform", "operator" or "local"; null while it is not. */
  how: ProofMethod | null
}

/** The witness of a host: its zone, the platform's validation, the operator's own zone, or this machine. */
export type ProofMethod = 'txt' | 'platform' | 'operator' | 'local'

/** One version of a site, as it was published. Times in Unix milliseconds. */
export type SiteVersion = {
  version: number
  document: SiteDocument
  /** When it takes effect. */
  effectiveAt: number
  at: number
  who: string
  /** "publish", "revert", "suspend", "resume" or "remove". */
  act: SiteAct
  note: string | null
}

/** The acts that make a version. */
export type SiteAct = 'publish' | 'revert' | 'suspend' | 'resume' | 'remove'

/** A site with its draft and what is published. */
export type SiteRecord = {
  id: string
  publisher: string
  /** How it answers now: the mode of what is published and in effect, "draft" where nothing is. */
  mode: SiteMode
  /** Grows with every change of the draft and of what is published. A change that names another one is refused. */
  revision: number
  /** Changed since the last publish; null otherwise. */
  draft: { document: SiteDocument; at: number; who: string } | null
  /** The last version; null before the first publish. It may not be in effect yet. */
  published: SiteVersion | null
  /** The hosts of the draft and of what is published. */
  hosts: HostProof[]
  /** Hosts whose entry is not in KV yet. They are retried. */
  pending: string[]
}

/** A row of the list. */
export type SiteSummary = Pick<SiteRecord, 'id' | 'publisher' | 'mode'> & {
  hosts: string[]
  via: SiteDocument['via']
  /** The last version; 0 before the first publish. */
  version: number
  hasDraft: boolean
}

/** A published change: when it takes effect, and the hosts whose entry is not in KV yet. */
export type PublishedVersion = SiteVersion & {
  pending: string[]
  /** When the last isolate has it at the latest, while KV answers: Unix milliseconds. */
  everywhereBy: number
}

/** A publisher with the ids of its sites. `revision` as in {@link SiteRecord}. */
export type PublisherRecord = Publisher & { sites: string[]; revision: number }

/** One change for the audit log. `before` and `after` are JSON, or null. */
export type SiteChange = {
  seq: number
  at: number
  who: string
  what: string
  subject: string
  before: string | null
  after: string | null
}

/** A page of a list: `next` is what the next page begins after, null at the end. */
export type ListPage<Row, Cursor = string> = { rows: Row[]; next: Cursor | null }
