/** The headers by which the origin states the price, the date and the final amount of a page. Pure. */
import { microUsd } from './amounts.ts'

/** The headers from the origin to the paywall. No client sends or receives them. */
export const ORIGIN_HEADERS = ['tab402-price', 'tab402-charge', 'tab402-published'] as const

/** Cloudflare's form of a price, `USD 0.05`, which the origin may state in the place of `tab402-price`. */
export const CRAWLER_PRICE = 'crawler-price'

/** The headers that clients must not see. Where Cloudflare charges, it reads `crawler-price` from the answer. */
export function hiddenHeaders(isPriced: boolean): readonly string[] {
  return isPriced ? [...ORIGIN_HEADERS, CRAWLER_PRICE] : ORIGIN_HEADERS
}

/** The origin's price of a page in micro-dollars, `0n` for a free page; `block`; or null without a price. */
export type StatedPrice = bigint | 'block' | null

/** The origin's statement about one page. `published` in Unix milliseconds. `fault`: why a header was not used. */
export type OriginFacts = { price: StatedPrice; published: number | null; fault?: string }

const NOTHING: OriginFacts = { price: null, published: null }

/**
 * Reads an answer's headers. Garbage counts as absent. Trap: a cache between the Worker and the origin may repeat an old
 * price, so an answer with `Age` states nothing.
 */
export function readOriginFacts(headers: Headers): OriginFacts {
  const isStated = [...ORIGIN_HEADERS, CRAWLER_PRICE].some((name) => headers.has(name))
  if (!isStated) return NOTHING
  if (Number(headers.get('age') ?? 0) > 0) return { ...NOTHING, fault: 'the answer came from a cache' }
  const price = readPrice(headers)
  const published = readMoment(headers.get('tab402-published'))
  const faults = [
    price === undefined && 'the price must be USD such as 0.05, 0 or block',
    published === undefined && 'tab402-published must be a date',
  ].filter((fault) => fault !== false)
  return {
    price: price ?? null,
    published: published ?? null,
    ...(faults.length > 0 && { fault: faults.join('; ') }),
  }
}

/** The amount that the origin finally asks for an answer, in micro-dollars; undefined without the header or for garbage. */
export function readFinalAmount(headers: Headers): bigint | undefined {
  return microUsd(headers.get('tab402-charge')?.trim() ?? '')
}

/** Undefined for garbage. Two values of one header arrive joined by a comma, which is garbage too. */
function readPrice(headers: Headers): StatedPrice | undefined {
  const own = headers.get('tab402-price')?.trim()
  if (own === undefined) {
    const theirs = headers.get(CRAWLER_PRICE)?.trim()
    return theirs === undefined ? null : microUsd(/^USD (.+)$/.exec(theirs)?.[1] ?? '')
  }
  return own === 'block' ? 'block' : microUsd(own)
}

const MOMENT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2}))?$/

/** A moment by ISO 8601 with its zone, or a day of UTC; null where it is absent, undefined for garbage. Unix milliseconds. */
export function readMoment(text: string | null): number | null | undefined {
  if (text === null) return null
  const at = MOMENT.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
