/** One version of a site's terms, with all that makes its offers: later versions honour them by it. */
import type { Schemes } from '../schemes/index.ts'
import { type Asked, Decisions } from './decisions.ts'
import { type Offers, storedOffers } from './offers.ts'
import type { Decision, Policy } from './policy.ts'
import type { DateOf } from './terms/dates.ts'

/** A site of a registry, and the version of its policy. */
export type PolicyVersion = { id: string; version: number }

/** One version of a site's terms. It holds no state but caches. */
export type Edition = {
  policy: Policy
  schemes: Schemes
  /** Undefined without a registry: the request's host sells then, by version 0. */
  site: PolicyVersion | undefined
  decisions: Decisions
  quoteOf(decision: Decision): Quote
}

/** A decision and its offers, with the edition that made them. */
export type Quote = { decision: Decision; offers: Offers; edition: Edition }

/** The terms of an edition. */
export type EditionOptions = {
  policy: Policy
  schemes: Schemes
  site?: PolicyVersion | undefined
  /** How long an offer is valid: a price of the moment is honoured for as long. 300 where it is absent. */
  maxTimeoutSeconds?: number
  /** The dates of pages that the sitemaps state. Without it only other sources count. */
  dated?: (() => DateOf | Promise<DateOf>) | undefined
  /** Unix milliseconds. */
  now: () => number
}

/** Makes an edition of a site's terms. */
export function editionOf({
  policy,
  schemes,
  site,
  maxTimeoutSeconds = 300,
  dated,
  now,
}: EditionOptions): Edition {
  const offersFor = storedOffers(policy, schemes)
  const decisions = new Decisions(policy, maxTimeoutSeconds * 1000, now, dated)
  const edition: Edition = {
    policy,
    schemes,
    site,
    decisions,
    quoteOf: (decision) => ({ decision, offers: offersFor(decision), edition }),
  }
  return edition
}

/**
 * The quotes of former editions for a request, newest first: a client that was offered one may pay it still. A quote for
 * another thing than `decision` sells, a pass or a page, is none.
 */
export async function formerQuotes(
  editions: readonly Edition[],
  asked: Asked,
  page: string,
  { pass }: Decision,
): Promise<Quote[]> {
  const { dated: _, ...bare } = asked
  const quotes = editions.map(async ({ decisions, quoteOf }) => {
    const request = await decisions.dated(bare)
    return [...decisions.now(request, page), ...decisions.earlier(request, page)].map(quoteOf)
  })
  const all = (await Promise.all(quotes)).flat()
  return all.filter(({ decision }) => decision.pass?.address === pass?.address)
}
