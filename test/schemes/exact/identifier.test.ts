/** Payments that name the extension `payment-identifier`, which no offer here has. */
import { env } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { altered, errorOf, newCrawler, PRICE, startPaywall } from '../harness.ts'

const shop = startPaywall()
const IDENTIFIER = { 'payment-identifier': { info: { id: 'pay_1234567890abcdef' } } }

it('charges each payment by its own proof, although one payment identifier names two payloads [A4]', async () => {
  const crawler = await newCrawler(shop)
  const named = async () => altered(await crawler.pays(), 'extensions', IDENTIFIER)
  const [first, second] = [await named(), await named()]
  expect((await shop.ask('/one', { payment: first })).status).toBe(200)
  expect((await shop.ask('/one', { payment: second })).status).toBe(200)
  const elsewhere = await shop.ask('/two', { payment: second })
  expect([elsewhere.status, await errorOf(elsewhere)]).toEqual([402, 'tab_proof_bound'])
  const { id } = shop.site.config.policy.networks[0]
  const memory = env.AUTHORIZATIONS.getByName(`${id}:${crawler.payer.address}`)
  expect(await memory.totals()).toMatchObject({ payments: 2, received: 2n * PRICE })
})
