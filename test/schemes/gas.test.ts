/** Gas of what payers make us pay for: measured, and refused where it is not worth it. */
import { describe, expect, it } from 'vitest'
import { GAS } from '../../src/chain/relayer/gas-money.ts'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { rpc } from '../chain/harness.ts'
import {
  errorOf,
  type Meddle,
  newCrawler,
  newRegular,
  PRICE,
  receiptOf,
  requiredOf,
  startPaywall,
} from './harness.ts'

let does: Meddle = (_, call) => call()
const shop = startPaywall({}, (name, call) => does(name, call))

async function gasOf(response: Response): Promise<bigint> {
  const hash = receiptOf(response).transaction
  return BigInt((await rpc<{ gasUsed: Hex }>('eth_getTransactionReceipt', hash)).gasUsed)
}

/** The relayer declines each order. */
const declining =
  (reason: string): Meddle =>
  (name, call) =>
    name === 'RELAYER.send' ? Promise.resolve({ status: 'declined', reason, least: 2_000n }) : call()

describe('Gas of a payer’s transaction', () => {
  it('is at most what its least amount is computed from, and more than half of it [H2]', async () => {
    const crawler = await newCrawler(shop)
    const deposit = await shop.ask('/one', { payment: await crawler.deposits(50_000n, PRICE) })
    const refund = await shop.ask('/any', { payment: await crawler.takesBack(PRICE, 10_000n) })
    const payment = await shop.ask('/two', { payment: await crawler.pays() })
    for (const [use, response] of Object.entries({ deposit, refund, payment })) {
      const most = GAS[use as keyof typeof GAS]
      const gas = await gasOf(response)
      expect(gas <= most && gas > most / 2n, `${use} takes ${gas} of ${most}`).toBe(true)
    }
  })
})

describe('Exact payment that the relayer declines', () => {
  it('for its gas is refused, moves nothing, and is not offered again [F13]', async () => {
    const crawler = await newCrawler(shop)
    const payment = await crawler.pays()
    does = declining('below_gas')
    const response = await shop.ask('/one', { payment })
    expect([response.status, await errorOf(response)]).toEqual([402, 'tab_below_gas'])
    expect(requiredOf(response).accepts.map(({ scheme }) => scheme)).toEqual(['batch-settlement'])
    does = (_, call) => call()
    // Nothing was signed: the same authorization pays once gas is cheaper.
    expect((await shop.ask('/one', { payment })).status).toBe(200)
  })

  it.each([
    ['payer_budget', 402, 'tab_gas_budget'],
    ['new_payers_budget', 503, 'tab_gas_unavailable'],
    ['reserve', 503, 'tab_gas_unavailable'],
  ])('for %s returns %d %s, while vouchers are charged [F13]', async (reason, ...answer) => {
    const [crawler, regular] = [await newCrawler(shop), await newRegular(shop)]
    does = declining(reason)
    const response = await shop.ask('/one', { payment: await crawler.pays() })
    expect([response.status, await errorOf(response)]).toEqual(answer)
    if (answer[0] === 503) expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect((await shop.ask('/two', { payment: await regular.owes(2n * PRICE) })).status).toBe(200)
    does = (_, call) => call()
  })
})
