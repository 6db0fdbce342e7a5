/** The documents of terms by name, and what they are written from. */
import type { Policy } from '../paywall/policy.ts'
import type { Schemes } from '../schemes/index.ts'

/** Every document that `TERMS` may name. `aipref` is a header and a line of robots.txt. */
export const TERMS_NAMES = ['robots', 'rsl', 'tdm', 'x402', 'aipref'] as const

/** The name of a document of terms. */
export type TermsName = (typeof TERMS_NAMES)[number]

/** The document at each address. Nothing else of a site is taken, not even these addresses with a query. */
export const ADDRESSES = {
  'robots.txt': 'robots',
  'license.xml': 'rsl',
  '.well-known/tdmrep.json': 'tdm',
  '.well-known/x402': 'x402',
  '.well-known/x402.json': 'x402',
} as const satisfies Record<string, TermsName>

/** A document that has an address. */
export type DocumentName = (typeof ADDRESSES)[keyof typeof ADDRESSES]

/** One site and the documents that it publishes. */
export type TermsOfSite = { policy: Policy; schemes: Schemes; documents: ReadonlySet<TermsName> }

/** The classes of crawlers whose purpose these documents have words for. */
export const PURPOSES = ['search', 'assistant', 'training'] as const

/** The URL of license.xml, where the site publishes one. `origin` has scheme and host. */
export function licenseOf({ documents }: Pick<TermsOfSite, 'documents'>, origin: string): string | undefined {
  return documents.has('rsl') ? `${origin}/license.xml` : undefined
}
