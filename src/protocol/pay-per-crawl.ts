/** Pay Per Crawl: Cloudflare's form of a commitment, a price in a signed header. */
import { parseUsd, showUsd } from './amount.ts'
import { accept, type Reason, type Result, refuse, wire } from './refusal.ts'

/** Requests of Cloudflare's own products, which have already charged: Pay Per Crawl, Monetization Gateway. */
export const CHARGED_BY_CLOUDFLARE = ['cf-pay-per-crawl', 'payment-context']

const EXACT = 'crawler-exact-price'
const MAX = 'crawler-max-price'

/** Whether a request names a price of its own. */
export function namesPrice(headers: Headers): boolean {
  return headers.has(EXACT) || headers.has(MAX)
}

/** A price in the format of these headers: `USD 0.01`. */
export function showCrawlerPrice(price: bigint): string {
  return `USD ${showUsd(price).slice(1)}`
}

/** A price that a request names. `exact` is the price itself, `most` the maximum that the crawler pays. */
export type NamedPrice = {
  promise: 'exact' | 'most'
  /** Micro-dollars. */
  amount: bigint
  /** The header that states it, which the signature must cover. */
  field: string
}

/** Reads the price that a request names. */
export function readNamedPrice(headers: Headers): Result<NamedPrice> {
  const exact = headers.get(EXACT)
  const value = exact ?? headers.get(MAX) ?? ''
  if (exact !== null && headers.has(MAX)) return refuse('crawler_price_conflict')
  const [, usd = ''] = /^USD ([0-9.]{1,20})$/.exec(value) ?? []
  const amount = parseUsd(usd)
  if (amount === undefined) return refuse('crawler_price_malformed')
  return accept(
    exact === null ? { promise: 'most', amount, field: MAX } : { promise: 'exact', amount, field: EXACT },
  )
}

type CrawlError = { code: string; status: number }

const ERRORS: Partial<Record<Reason, readonly [string, number]>> = {
  blocked: ['CrawlerForbidden', 403],
  embargoed: ['CrawlerForbidden', 403],
  payment_required: ['MissingCrawlerPrice', 402],
  crawler_price_conflict: ['ConflictingPriceHeaders', 400],
  crawler_price_malformed: ['InvalidCrawlerPriceValue', 400],
  crawler_exact_price: ['InvalidCrawlerExactPrice', 402],
  crawler_max_price: ['InvalidCrawlerMaxPrice', 402],
  commitment_unsigned: ['StrongAuthRequired', 400],
  commitment_signature: ['InvalidSignature', 400],
  commitment_replayed: ['InvalidSignature', 400],
  agent_unknown: ['PaymentFailed', 403],
  credit_exhausted: ['PaymentFailed', 403],
  credit_suspended: ['PaymentFailed', 403],
  credit_unpaid: ['PaymentFailed', 403],
}

/**
 * The `crawler-error` and status of a refusal; undefined without an equivalent in Pay Per Crawl. An unresolved outcome
 * keeps its 503 and `Retry-After`, where Cloudflare answers 500: requests never cause a 500 here.
 */
export function crawlError(reason: Reason): CrawlError | undefined {
  const known = ERRORS[reason]
  if (known) return { code: known[0], status: known[1] }
  const { status } = wire(reason)
  return status === 503 ? { code: 'InternalError', status } : undefined
}
