/** Pay Per Crawl: a request names its price in a signed header, and a receipt names what was charged. */
import { crawlError, namesPrice, readNamedPrice, showCrawlerPrice } from '../../protocol/pay-per-crawl.ts'
import { accept, refuse } from '../../protocol/refusal.ts'
import { SCHEMES } from '../../schemes/index.ts'
import type { Dialect } from './dialect.ts'

/** Cloudflare's Pay Per Crawl. The scheme that reads named prices states the price of its offer in a header of its own. */
export const payPerCrawl: Dialect = {
  pays: namesPrice,

  read(headers, offers) {
    for (const { scheme, terms } of offers) {
      const read = SCHEMES[scheme].readNamedPrice
      if (!read) continue
      const price = readNamedPrice(headers)
      return price.ok ? accept({ scheme, payment: read(price.value, terms.network) }) : price
    }
    return refuse('payment_required')
  },

  offered: (offers) => offers.some(({ scheme }) => SCHEMES[scheme].readNamedPrice),

  receipt: ({ amount = '0' }) => ['crawler-charged', showCrawlerPrice(BigInt(amount))],

  refusal(reason) {
    const known = crawlError(reason)
    return known && { status: known.status, headers: { 'crawler-error': known.code } }
  },
}
