/** The money of many sites: whom a run pays, and what a site keeps that moves from the vars to the registry. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { workOf } from '../../src/app/work.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { MIDNIGHT, newOperator, runBilling } from '../billing/harness.ts'
import { chainAt, randomHex } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { creditOffer, newAgent, openCreditShop, REGISTRATION } from '../schemes/credit/harness.ts'
import { newRegular, PRICE, receiptOf, requiredOf, startPaywall } from '../schemes/harness.ts'
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

  it('keeps its credit lines, with their open invoices, when the site moves to the registry', async () => {
    const PAGE = 100_000n
    const shop = openCreditShop({ PRICE: '0.10' })
    const agent = await newAgent({ rail: 'transfer' })
    const bought = await shop.ask('/a', await agent.commit('/a', await creditOffer(shop)))
    expect(bought.status).toBe(200)
    const operator = await newOperator()
    await agent.line().list()
    await runBilling(operator, MIDNIGHT)
    const [before, ...none] = await agent.line().invoices()
    expect([before, none]).toMatchObject([{ stage: 'open', charged: PAGE }, []])

    const credit = { ORIGIN: 'binding:SITE', PRICE: '0.10', SCHEMES: ['credit'] }
    const moved = document({ via: 'route', terms: credit })
    const isolate = newIsolate({ vars: { REGISTRATION_URL: REGISTRATION }, documents: [moved] })
    const url = `https://${moved.hosts[0]}/a`
    const [offer = {}] = requiredOf(await isolate.ask(url)).accepts
    const { headers } = await agent.commit('/a', offer, { url })
    expect((await isolate.ask(url, { headers })).status).toBe(200)
    expect(await agent.standing()).toMatchObject({ charged: 2n * PAGE, redeemed: 0n })
    expect(await agent.line().invoices()).toEqual([before])
    const charges = (await agent.line().entries(0, 100)).filter(({ kind }) => kind === 'charge')
    expect(charges.map(({ site, policy }) => [site, policy])).toEqual([
      ['site.test', 0],
      [moved.id, 1],
    ])

    await agent.line().paid({
      ...{ id: 'payment', invoice: before?.id ?? '', amount: before?.total ?? 0n },
      ...{ rail: 'transfer', reference: 'bank', at: Date.now() },
    })
    expect(await agent.standing()).toMatchObject({ charged: 2n * PAGE, redeemed: PAGE })
    expect(await agent.line().invoice(before?.id ?? '')).toMatchObject({ stage: 'settled' })
  })
})
