/** Whether a client is the crawler that it claims to be. Pure. */
import type { Crawler } from './crawlers.ts'

/** `unknown`: nothing proves or refutes the claim. */
export type NameClaim = 'confirmed' | 'refuted' | 'unknown'

/** An address compared with those that a crawler's operator publishes. */
export type Listed = 'listed' | 'unlisted' | 'unknown'

/** Looks up an address in the lists that a crawler's operator publishes. */
export type Published = (crawler: string, address: string) => Listed

/** The evidence about a claim, beside the User-Agent. */
export type ClaimEvidence = {
  /** The crawler whose valid signature the request carries. */
  signer: Crawler | undefined
  listed: Listed
  /** Cloudflare's word; undefined without Bot Management and category. */
  verifiedByCloudflare: boolean | undefined
}

/** The judgement of a claim, with the reason for logs and pages. */
export type Judgement = { claim: NameClaim; reason?: string }

/**
 * Judges a claim. A signature or an address in the operator's list confirms it. An address outside a fresh list refutes it,
 * and so does Cloudflare, unless the two contradict each other: a list may be behind its operator, and Cloudflare also
 * verifies agents whose users choose their User-Agent.
 */
export function judgeClaim(
  crawler: Crawler | undefined,
  { signer, listed, verifiedByCloudflare }: ClaimEvidence,
): Judgement {
  if (signer) return { claim: 'confirmed', reason: `it signed as ${signer.name}` }
  if (!crawler) return { claim: verifiedByCloudflare ? 'confirmed' : 'unknown' }
  const owner = crawler.operator ? `${crawler.operator}’s` : 'its operator’s'
  if (listed === 'listed') return { claim: 'confirmed', reason: `its address is ${owner}` }
  if (verifiedByCloudflare) return { claim: listed === 'unlisted' ? 'unknown' : 'confirmed' }
  if (listed === 'unlisted')
    return { claim: 'refuted', reason: `claims ${crawler.name}, but its address is not ${owner}` }
  if (verifiedByCloudflare === false && !crawler.shared)
    return { claim: 'refuted', reason: `claims ${crawler.name}, but Cloudflare did not verify it` }
  return { claim: 'unknown' }
}
