/** A final amount below the ceiling, stated by the origin on its answer. */
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { describeProblems } from '../../src/platform/problem.ts'
import { newRegular, PRICE, receiptOf, requiredOf, startPaywall } from '../schemes/harness.ts'

const CEILING = 10_000n
const RULES = [{ action: 'charge', path: '/says/*', price: '0.01', final: 'origin' }]

describe('gate for a rule with a final amount', () => {
  it('offers no scheme whose payment is fixed', async () => {
    const shop = startPaywall({ RULES })
    const { accepts } = requiredOf(await shop.ask('/says/charge=0.004/1'))
    expect(accepts.map(({ scheme, amount }) => [scheme, amount])).toEqual([['batch-settlement', '10000']])
  })

  it('charges the lower amount, and its receipt and replays say so', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const [offer] = requiredOf(await shop.ask('/says/charge=0.004/1')).accepts
    const payment = await crawler.owes(PRICE + CEILING, offer)
    const paid = await shop.ask('/says/charge=0.004/1', { payment })
    expect([paid.status, paid.headers.get('tab402-charge')]).toEqual([200, null])
    const replayed = await shop.ask('/says/charge=0.004/1', { payment })
    for (const response of [paid, replayed])
      expect(receiptOf(response).extra).toMatchObject({
        chargedAmount: '4000',
        channelState: { chargedCumulativeAmount: '5000' },
      })
    expect(await crawler.account().standing()).toMatchObject({ charged: 5000n, authorized: PRICE + CEILING })
    const entries = await crawler.account().entries(0, 10)
    expect(entries.slice(-2).map(({ kind, amount, rule }) => [kind, amount, rule])).toEqual([
      ['lower', 6000n, 'RULES[0]'],
      ['replay', 0n, null],
    ])
    const next = await shop.ask('/says/charge=0.004/2', {
      payment: await crawler.owes(5000n + CEILING, offer),
    })
    expect(receiptOf(next).extra?.channelState).toMatchObject({ chargedCumulativeAmount: '9000' })
  })

  it.each([
    ['charge=0.5', '10000'],
    ['charge=much', '10000'],
    ['nothing=1', '10000'],
    ['charge=0', '0'],
  ])('charges for an answer that says %s the amount %s', async (word, amount) => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const [offer] = requiredOf(await shop.ask(`/says/${word}/1`)).accepts
    const paid = await shop.ask(`/says/${word}/1`, { payment: await crawler.owes(PRICE + CEILING, offer) })
    expect([paid.status, receiptOf(paid).extra?.chargedAmount]).toEqual([200, amount])
  })

  it('takes one ledger call where the origin states nothing, and two where it does', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const [offer] = requiredOf(await shop.ask('/says/a=1/1')).accepts
    await shop.ask('/says/a=1/1', { payment: await crawler.owes(PRICE + CEILING, offer) })
    expect(shop.calls.filter((call) => call !== 'SITE.fetch')).toEqual(['ACCOUNT.place'])
    shop.calls.length = 0
    await shop.ask('/says/charge=0.001/1', { payment: await crawler.owes(PRICE + 2n * CEILING, offer) })
    expect(shop.calls.filter((call) => call !== 'SITE.fetch')).toEqual(['ACCOUNT.place', 'ACCOUNT.lower'])
  })

  it('lowers nothing under another rule', async () => {
    const shop = startPaywall({ RULES: [{ action: 'charge', price: '0.01' }] })
    const crawler = await newRegular(startPaywall())
    const [offer] = requiredOf(await shop.ask('/says/charge=0/1')).accepts
    const paid = await shop.ask('/says/charge=0/1', { payment: await crawler.owes(PRICE + CEILING, offer) })
    expect([receiptOf(paid).extra?.chargedAmount, paid.headers.get('tab402-charge')]).toEqual(['10000', null])
  })
})

describe('a rule with a final amount', () => {
  const TERMS = { ORIGIN: 'zone', RECEIVER: `0x${'1'.repeat(40)}`, NETWORK: 'eip155:84532', PRICE: '0.001' }
  const faultOf = (terms: object) => {
    const result = parsePolicy({ ...TERMS, ...terms })
    return result.ok ? '' : describeProblems(result.problems)
  }

  it('must not list exact, and needs another scheme', () => {
    expect(faultOf({ RULES: [{ ...RULES[0], schemes: ['channel', 'exact'] }] })).toContain(
      'RULES[0].final must be removed, or "exact" from "schemes"',
    )
    expect(faultOf({ RULES, SCHEMES: ['exact'] })).toContain('SCHEMES must have a scheme besides "exact"')
  })
})
