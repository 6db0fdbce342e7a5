/** The money of many sites: whom a run pays, and what a site keeps that moves from the vars to the registry. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { workOf } from '../../src/app/work.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { chainAt, randomHex } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { newRegular, PRICE, receiptOf, startPaywall } from '../schemes/harness.ts'
import { received, runWork } from '../settlement/harness.ts'
import { document, newRegistry, publish } from '../sites/harness.ts'
import { newCustomer } from './customer.ts'
import { newIsolate } from './isolate.ts'

const terms = { ORIGIN: 'binding:SITE', PRICE: '0.001', SCHEMES: ['channel', 'exact'] }

/** A published site with a receiver of its own, and the URL of its page. */
async function newSite(receiver: Address, registry = newRegistry()) {
  const site = document({ via: 'route', terms: { ...terms, RECEIVER: receiver } })
  await publish(registry, site)
  return { id: site.id, receiver, url: `https://${site.hosts[0]}/page` }
}

describe('a run over many sites', () => {
  it('pays each receiver what its sites have charged, and a shared one for all of its sites', async () => {
    await env.BOOK.prepare('DELETE FROM account').run()
    const isolate = newIsolate()
    const [own, shared] = [randomHex(20), randomHex(20)]
    const [first, second, third] = [await newSite(own), await newSite(shared), await newSite(shared)]
    const alone = await newCustomer(isolate, first.url)
    const tab = await newCustomer(isolate, second.url)
    const buys = [
      await isolate.ask(first.url, { payment: await alone.deposits(10_000n, PRICE) }),
      await isolate.ask(second.url, { payment: await tab.deposits(10_000n, PRICE) }),
      // The same channel, on the host of another site.
      await isolate.ask(third.url, { payment: await tab.owes(2n * PRICE) }),
    ]
    expect(buys.map(({ status }) => status)).toEqual([200, 200, 200])
    const entries = await tab.account().entries(0, 10)
    expect(entries.map(({ site, policy }) => ({ site, policy }))).toEqual(
      expect.arrayContaining([
        { site: second.id, policy: 1 },
        { site: third.id, policy: 1 },
      ]),
    )

    const work = workOf(env)
    if (!work) throw new Error('there must be work')
    const { record } = await runWork({ ...work, bill: null })
    // Other tests send from the address of the relayer too.
    expect(record.findings.list.filter(({ what }) => what !== 'key_shared')).toEqual([])
    const chain = chainAt(chainHere().rpcUrl)
    expect(await received({ chain, receiver: own })).toBe(PRICE)
    expect(await received({ chain, receiver: shared })).toBe(2n * PRICE)
  })
})

describe('a deployment with one site', () => {
  it('keeps its channels when the site moves to the registry', async () => {
    const shop = startPaywall()
    const crawler = await newRegular(shop)
    const { receiver } = shop.site.config.policy
    const { url } = await newSite(receiver)
    const paid = await newIsolate().ask(url, { payment: await crawler.owes(2n * PRICE) })
    expect([paid.status, receiptOf(paid).extra]).toMatchObject([
      200,
      { channelState: { channelId: crawler.id, chargedCumulativeAmount: '2000' } },
    ])
  })
})
