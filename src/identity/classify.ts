/** Classifies clients as crawlers or readers, with reasons. Pure. */
import { isbot } from 'isbot'
import { type CrawlerClass, findCrawler } from './crawlers.ts'

/** The evidence in a request. Absent evidence is undefined, never a guess. */
export type ClientEvidence = {
  userAgent: string | null
  /** The part of `request.cf` about crawlers. */
  cf?:
    | {
        botManagement?: { verifiedBot?: boolean; score?: number } | null | undefined
        verifiedBotCategory?: string | null | undefined
      }
    | null
    | undefined
  /** The request carries an HTTP message signature (not: a valid one). */
  signed: boolean
  /** The request carries a payment (not: a valid one). */
  paying: boolean
}

/** A classified client. `reasons` are phrases for logs and pages; of what a client sent, they quote only a product name. */
export type Asker =
  | { kind: 'crawler'; name?: string; class: CrawlerClass; reasons: readonly string[] }
  | { kind: 'reader'; name?: undefined; class?: undefined; reasons: readonly string[] }

/** The beginnings of browsers' User-Agents. */
const BROWSER = /^(?:Mozilla|Opera|Lynx|Links)\b/
/** The first product of a User-Agent (RFC 9110 §10.1.5), or the one after "compatible;"; short enough to print. */
const PRODUCT = /(?:^(?!Mozilla\b)|\bcompatible; ?)([A-Za-z0-9._-]{1,40})/
/** Longer User-Agents are cut. Matching a very long one would cost CPU time. */
const MAX_USER_AGENT_LENGTH = 512

/** Cloudflare's categories of verified bots by class; all other categories are `other`. */
const CATEGORIES: ReadonlyMap<string, CrawlerClass> = new Map([
  ['Search Engine Crawler', 'search'],
  ['AI Search', 'search'],
  ['AI Crawler', 'training'],
  ['AI Assistant', 'assistant'],
])

/**
 * Classifies a client as a crawler if it names itself one, pays, signs, or does not look like a browser.
 *
 * Trap: nothing here proves identity. A name is only a claim unless Cloudflare verified it, so an `allow` by name trusts
 * that claim.
 */
export function classify({ userAgent, cf, signed, paying }: ClientEvidence): Asker {
  const agent = (userAgent ?? '').slice(0, MAX_USER_AGENT_LENGTH)
  const known = findCrawler(agent)
  const { verifiedBot = false, score = 0 } = cf?.botManagement ?? {}
  const category = cf?.verifiedBotCategory || undefined
  const verified = verifiedBot || category !== undefined
  const reasons: string[] = []
  if (known) reasons.push(`the User-Agent names ${known.name} (${known.operator}, ${known.class})`)
  if (verified) reasons.push(`Cloudflare verified the crawler${category ? ` (${category})` : ''}`)
  if (paying) reasons.push('it carries a payment')
  if (signed) reasons.push('it carries an HTTP message signature')
  if (score === 1) reasons.push('Cloudflare scores it as certainly automated')
  if (!known && isbot(agent)) reasons.push('the User-Agent is on the list of crawlers')
  if (!BROWSER.test(agent))
    reasons.push(agent ? 'the User-Agent is not a browser’s' : 'the request has no User-Agent')
  if (reasons.length === 0) return { kind: 'reader', reasons: ['the User-Agent is a browser’s'] }
  const name = known?.name ?? PRODUCT.exec(agent)?.[1]
  const purpose = known?.class ?? CATEGORIES.get(category ?? '') ?? 'other'
  return { kind: 'crawler', ...(name && { name }), class: purpose, reasons }
}
