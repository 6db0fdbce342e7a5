/** Money that moves outside the request: another sender submits the authorization, or a facilitator settles after a refusal. */
import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { readBalance } from '../../../src/chain/token.ts'
import { makeRun, type Work } from '../../../src/settlement/run.ts'
import { chainAt, newLane } from '../../chain/harness.ts'
import { chainHere } from '../../chain/here.ts'
import { mint, submitHeader } from '../../chain/payer.ts'
import { steps } from '../../settlement/harness.ts'
import { type Crawler, errorOf, newCrawler, PRICE, receiptOf, startPaywall } from '../harness.ts'

const lane = newLane()
const shop = startPaywall()
const hosted = startPaywall({ FACILITATOR_URL: lane.url })
const [network] = shop.site.config.policy.networks
const chain = chainAt(chainHere().rpcUrl)

let crawler: Crawler
beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  await env.BOOK.prepare('DELETE FROM account').run()
  await lane.misbehave()
  crawler = await newCrawler(shop)
  // The payer is known from now on.
  expect((await shop.ask('/zero', { payment: await crawler.pays() })).status).toBe(200)
})

const held = () => readBalance(chain, crawler.payer.address)
const memory = () => env.AUTHORIZATIONS.getByName(`${network.id}:${crawler.payer.address}`)
const statusAndError = async (response: Response) => [response.status, await errorOf(response)]
const refusal = (errorReason: string) => ({
  method: 'settle',
  does: 'answer' as const,
  body: JSON.stringify({ success: false, errorReason }),
})

/** The nightly run over the payers alone. */
async function run(node: typeof chain | null = chain) {
  const { BOOK: book, AUTHORIZATIONS: authorizations } = env
  const scope = { network: chain.network, others: [] }
  const exact = [{ scope, book, authorizations, chain: node, relayer: null }]
  const work: Work = { book, channels: [], exact, bill: null }
  return makeRun(work, steps(), crypto.randomUUID(), { window: 'test', startedBy: 'operator' })
}

describe('Exact payment that another account submits', () => {
  it('is served and counted once when it is mined before the request [A7]', async () => {
    const before = await held()
    const payment = await crawler.pays()
    const transaction = await submitHeader(payment)
    const served = await shop.ask('/one', { payment })
    expect([served.status, receiptOf(served)]).toMatchObject([200, { success: true, transaction }])
    expect(await held()).toBe(before - PRICE)
    expect(await memory().totals()).toMatchObject({ payments: 2, received: 2n * PRICE, undelivered: 0 })
    expect(await statusAndError(await shop.ask('/two', { payment }))).toEqual([402, 'tab_proof_bound'])
  })

  it('is served when the payer is unknown, since the money has arrived [A7]', async () => {
    const fresh = await newCrawler(shop)
    const payment = await fresh.pays()
    await submitHeader(payment)
    expect((await shop.ask('/one', { payment })).status).toBe(200)
  })

  it('is found by the run and opens its request when it arrives after a refusal [A7, I9]', async () => {
    const poor = await newCrawler(shop, PRICE)
    crawler = poor
    expect((await shop.ask('/zero', { payment: await poor.pays() })).status).toBe(200)
    const payment = await poor.pays()
    const refused = await shop.ask('/one', { payment })
    expect(await statusAndError(refused)).toEqual([402, 'invalid_exact_evm_insufficient_balance'])
    expect(await memory().totals()).toMatchObject({ payments: 1, inDoubt: 0, watched: 1 })
    await mint(poor.payer.address, PRICE)
    const transaction = await submitHeader(payment)
    expect(await run()).toBe('settled')
    expect(await memory().totals()).toMatchObject({ payments: 2, undelivered: 1, watched: 0 })
    const served = await shop.ask('/one', { payment })
    expect([served.status, receiptOf(served).transaction]).toEqual([200, transaction])
    expect(await memory().totals()).toMatchObject({ payments: 2, undelivered: 0 })
  })
})

describe('Exact payment that a facilitator refuses and settles later', () => {
  it('returns 503 while the payer could be charged, and is served without a second payment [F15, I9]', async () => {
    await lane.misbehave(refusal('insufficient_funds'))
    const payment = await crawler.pays()
    const before = await held()
    const unknown = await hosted.ask('/one', { payment })
    expect(await statusAndError(unknown)).toEqual([503, 'settlement_pending'])
    expect(unknown.headers.get('retry-after')).not.toBeNull()
    await submitHeader(payment)
    expect((await hosted.ask('/one', { payment })).status).toBe(200)
    expect(await held()).toBe(before - PRICE)
    expect(await memory().totals()).toMatchObject({ payments: 2, inDoubt: 0, undelivered: 0 })
  })

  it('is found by the run when the payer does not come back [F15, F16, I9]', async () => {
    await lane.misbehave(refusal('transaction_failed'))
    const payment = await crawler.pays()
    expect((await hosted.ask('/one', { payment })).status).toBe(503)
    await submitHeader(payment)
    expect(await run()).toBe('settled')
    expect(await memory().totals()).toMatchObject({ payments: 2, inDoubt: 0, undelivered: 1 })
  })
})

describe('Exact payment through a facilitator without a node', () => {
  const nodeless = startPaywall({
    FACILITATOR_URL: lane.url,
    SCHEMES: ['exact'],
    RPC_URL: undefined,
    RELAYER_KEY: undefined,
  })

  it('returns the reason that its payer can act on, and stays watched [F15, I9]', async () => {
    await lane.misbehave(refusal('insufficient_funds'))
    const refused = await nodeless.ask('/one', { payment: await crawler.pays() })
    expect(await statusAndError(refused)).toEqual([402, 'invalid_exact_evm_insufficient_balance'])
    expect(await memory().totals()).toMatchObject({ payments: 1, inDoubt: 0, watched: 1 })
  })

  it('returns 503 when the authorization was used, and the run names its payer [F15, F16, I9]', async () => {
    await lane.misbehave(refusal('invalid_exact_evm_nonce_already_used'))
    const payment = await crawler.pays()
    for (let times = 0; times < 2; times++) {
      const unknown = await nodeless.ask('/one', { payment })
      expect(await statusAndError(unknown)).toEqual([503, 'settlement_pending'])
    }
    expect(await memory().totals()).toMatchObject({ payments: 1, inDoubt: 1 })
    expect(await run(null)).toBe('in_doubt')
    // A run with a node finds what happened.
    await submitHeader(payment)
    expect(await run()).toBe('settled')
    expect(await memory().totals()).toMatchObject({ payments: 2, inDoubt: 0, undelivered: 1 })
  })

  it('is settled when its reply was lost and the facilitator repeats its success [F16]', async () => {
    const transaction = `0x${'ab'.repeat(32)}`
    const success = { success: true, transaction, network: network.id }
    await lane.misbehave(
      { method: 'settle', does: 'swallow', times: 1 },
      { method: 'settle', does: 'answer', body: JSON.stringify(success) },
    )
    const payment = await crawler.pays()
    expect((await nodeless.ask('/one', { payment })).status).toBe(503)
    const served = await nodeless.ask('/one', { payment })
    expect([served.status, receiptOf(served).transaction]).toEqual([200, transaction])
  })
})

describe('Customer of exact with a refused payment', () => {
  it('is looked up from a bucket of its own, whatever strangers use up [H1, I13]', async () => {
    const keys: string[] = []
    const limit = async ({ key }: { key: string }) => ({ success: keys.push(key) <= 1 })
    const limited = startPaywall({
      CHAIN_READS: { limit: async () => ({ success: false }) },
      CHANNEL_READS: { limit },
    })
    crawler = await newCrawler(shop, PRICE)
    expect((await shop.ask('/zero', { payment: await crawler.pays() })).status).toBe(200)
    expect((await shop.ask('/one', { payment: await crawler.pays() })).status).toBe(402)
    await mint(crawler.payer.address, 2n * PRICE)
    expect((await limited.ask('/two', { payment: await crawler.pays() })).status).toBe(200)
    const beyond = await limited.ask('/three', { payment: await crawler.pays() })
    expect(await statusAndError(beyond)).toEqual([503, 'tab_too_many_unknown_channels'])
    const account = `${network.id}:${crawler.payer.address}`
    expect(keys).toEqual([account, account])
    const stranger = await limited.ask('/one', { payment: await (await newCrawler(shop)).pays() })
    expect(await statusAndError(stranger)).toEqual([503, 'tab_too_many_unknown_channels'])
    expect(keys).toHaveLength(2)
  })
})
