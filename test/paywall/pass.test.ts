/** Passes over HTTP: bought under an address of their own, bound to the payer. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { describeProblems } from '../../src/platform/problem.ts'
import { BROWSER, newRegular, PRICE, receiptOf, requiredOf, startPaywall } from '../schemes/harness.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const PASS = { price: '0.02', lasts: '24h', path: '/archive/*' }
const RULES = [
  { action: 'block', path: '/archive/closed/*' },
  { action: 'charge', path: '/archive/*', price: '0.005', pass: PASS },
]
const ADDRESS = '/.well-known/tab402/pass/archive'
const DAY_MS = 86_400_000

describe('gate for a pass', () => {
  it('offers the pass at its own address, and names that in the 402 of its pages', async () => {
    const shop = startPaywall({ RULES })
    const page = await shop.ask('/archive/1')
    expect(requiredOf(page).accepts[0]?.amount).toBe('5000')
    const links = page.headers.get('link')?.split(', ')
    expect(links).toContain(`<${ADDRESS}>; rel="payment"`)
    expect(links).toContainEqual(expect.stringMatching(/rel="license"/))
    const offered = await shop.ask(ADDRESS)
    expect(requiredOf(offered)).toMatchObject({
      resource: { url: `https://site.test${ADDRESS}` },
      accepts: [{ amount: '20000' }, { amount: '20000' }],
    })
    expect((await shop.ask('/elsewhere')).headers.get('link')).not.toContain('rel="payment"')
  })

  it('opens its pages to the channel that bought it, until it ends', async () => {
    const shop = startPaywall({ RULES })
    const crawler = await newRegular(shop)
    const [pass] = requiredOf(await shop.ask(ADDRESS)).accepts
    const [page] = requiredOf(await shop.ask('/archive/1')).accepts
    const bought = await shop.ask(ADDRESS, { payment: await crawler.owes(PRICE + 20_000n, pass) })
    expect([bought.status, await bought.json()]).toEqual([200, { opens: '/archive/*', seconds: 86_400 }])
    const next = async () => crawler.owes(PRICE + 25_000n, page)
    const charged = async (path: string) =>
      receiptOf(await shop.ask(path, { payment: await next() })).extra?.chargedAmount
    expect([await charged('/archive/1'), await charged('/archive/2')]).toEqual(['0', '0'])
    expect((await shop.ask('/archive/closed/1', { payment: await next() })).status).toBe(403)
    const again = await shop.ask(ADDRESS, { payment: await crawler.owes(PRICE + 40_000n, pass) })
    expect(receiptOf(again).extra?.chargedAmount).toBe('0')
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + DAY_MS + 1000)
    expect(await charged('/archive/3')).toBe('5000')
    clock.mockRestore()
  })

  it('opens its pages to the wallet that bought it by exact, and to no other', async () => {
    const shop = startPaywall({ RULES })
    const [crawler, other] = [await newRegular(shop), await newRegular(shop)]
    const [, pass] = requiredOf(await shop.ask(ADDRESS)).accepts
    const [, page] = requiredOf(await shop.ask('/archive/1')).accepts
    const bought = receiptOf(await shop.ask(ADDRESS, { payment: await crawler.pays(20_000n, {}, pass) }))
    const free = await shop.ask('/archive/1', { payment: await crawler.pays(5000n, {}, page) })
    expect(receiptOf(free)).toMatchObject({ amount: '0', transaction: bought.transaction })
    const paid = await shop.ask('/archive/1', { payment: await other.pays(5000n, {}, page) })
    expect(receiptOf(paid)).toMatchObject({ amount: '5000' })
  })

  it('is bought under its canonical address, however that is spelled', async () => {
    const shop = startPaywall({ RULES })
    const offered = await shop.ask('/.well-known/tab402/pass/ARCHIVE/')
    expect(requiredOf(offered).resource?.url).toBe(`https://site.test${ADDRESS}`)
  })

  it('leaves readers, and other files of /.well-known, as they were', async () => {
    const shop = startPaywall({ RULES })
    expect((await shop.ask('/archive/1', { agent: BROWSER })).status).toBe(200)
    expect((await shop.ask('/.well-known/security.txt')).status).toBe(200)
  })
})

describe('the pass of a rule', () => {
  const TERMS = { ORIGIN: 'zone', RECEIVER: `0x${'1'.repeat(40)}`, NETWORK: 'eip155:84532', PRICE: '0.001' }
  const faultOf = (...passes: object[]) => {
    const result = parsePolicy({ ...TERMS, RULES: passes.map((pass) => ({ action: 'charge', pass })) })
    return result.ok ? '' : describeProblems(result.problems)
  }

  it.each([
    [[{ ...PASS, price: '0' }], 'RULES[0].pass.price must be'],
    [[{ ...PASS, lasts: '60d' }], 'RULES[0].pass.lasts must be whole hours or days'],
    [[{ ...PASS, path: '/a*b' }], 'RULES[0].pass.path must be a path'],
    [[{ price: '1', lasts: '1d' }], 'RULES[0].pass.path must be'],
    [[{ ...PASS, who: 'x' }], 'RULES[0].pass.who must be removed'],
    [[PASS, { ...PASS, path: '/Archive/*' }], 'RULES must have one pass for each path'],
  ])('as %j names its fault', (passes, expected) => {
    expect(faultOf(...passes)).toContain(expected)
  })
})
