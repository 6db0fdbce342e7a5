/** A crawler whose offers come from a site of the registry. */

import { newPayer } from '../chain/payer.ts'
import type { TestPaywall } from '../schemes/harness.ts'
import { crawlerOf } from '../schemes/harness.ts'
import type { newIsolate } from './isolate.ts'

/** A crawler with $1 in USDC and a channel to the receiver of a page's site, which is not open yet. */
export async function newCustomer(isolate: ReturnType<typeof newIsolate>, url: string) {
  const site = await isolate.siteAt(url)
  const shop = { offers: () => isolate.offers(url), site } as unknown as TestPaywall
  return crawlerOf(shop, await newPayer(1_000_000n))
}
