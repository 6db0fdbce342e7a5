/** Payers beyond plain keys: contract wallets, delegated keys (EIP-7702) and wrapped signatures (ERC-6492). */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { countOf, randomHex, rpc } from '../chain/harness.ts'
import {
  altered,
  type Crawler,
  errorOf,
  newCrawler,
  newRegular,
  PRICE,
  startPaywall,
  twins,
  valueAt,
} from './harness.ts'

const shop = startPaywall()
const DEPOSIT = 50_000n
const relayer = shop.site.config.relayer?.address ?? '0x'

/** Code that answers ERC-1271 in a hostile way. */
const CODES = {
  'burns all gas': '0x5b600056',
  reverts: '0x60006000fd',
  'returns junk': '0x7fdeadbeef0000000000000000000000000000000000000000000000000000000060005260206000f3',
}

beforeEach(() => {
  shop.calls.length = 0
})

/** Asks with a payment; its status and error, and how many transactions the relayer sent meanwhile. */
async function outcomeOf(payment: string) {
  const before = await countOf(relayer)
  const response = await shop.ask('/one', { payment })
  return { status: response.status, error: await errorOf(response), sent: (await countOf(relayer)) - before }
}

/** Delegates a payer's key to code at another address, as EIP-7702 does. */
async function delegate(payer: Address, code: string) {
  const target = randomHex(20)
  await rpc('anvil_setCode', target, code)
  await rpc('anvil_setCode', payer, `0xef0100${target.slice(2)}`)
}

describe('Voucher of a contract wallet', () => {
  it('is refused without any call, since the wallet may reject the signature at the claim [B3]', async () => {
    const crawler = await newRegular(shop)
    await rpc('anvil_setCode', crawler.payer.address, CODES.reverts)
    const zero = `0x${'0'.repeat(40)}`
    const payment = altered(await crawler.owes(2n * PRICE), 'payload.channelConfig.payerAuthorizer', zero)
    expect(await outcomeOf(payment)).toMatchObject({ status: 402, error: 'tab_contract_wallet', sent: 0 })
    expect(shop.calls).toEqual([])
  })
})

describe.each(Object.entries(CODES))('A payer whose code %s', (_, code) => {
  it('pays nothing by exact or deposit, and the relayer sends nothing [B4]', async () => {
    const crawler = await newCrawler(shop)
    const payments = [await crawler.pays(), await crawler.deposits(DEPOSIT, PRICE)]
    await rpc('anvil_setCode', crawler.payer.address, code)
    for (const payment of payments) expect(await outcomeOf(payment)).toMatchObject({ status: 402, sent: 0 })
  })
})

describe('A key that is delegated to a strict contract', () => {
  it('pays nothing by exact or deposit, and the relayer sends nothing [B5]', async () => {
    const crawler = await newCrawler(shop)
    const payments = [await crawler.pays(), await crawler.deposits(DEPOSIT, PRICE)]
    await delegate(crawler.payer.address, CODES['returns junk'])
    for (const payment of payments) expect(await outcomeOf(payment)).toMatchObject({ status: 402, sent: 0 })
  })

  it('pays by vouchers, which the escrow holds against the authorizer’s key alone [B5]', async () => {
    const crawler = await newRegular(shop)
    await delegate(crawler.payer.address, CODES['returns junk'])
    expect((await shop.ask('/two', { payment: await crawler.owes(2n * PRICE) })).status).toBe(200)
  })
})

describe('A signature wrapped by ERC-6492', () => {
  const wrapped = (payment: string, path: string) =>
    altered(payment, path, twins(String(valueAt(payment, path)))['an ERC-6492 wrapping'])

  it.each([
    ['exact', (crawler: Crawler) => crawler.pays(), 'payload.signature'],
    ['a voucher', (crawler: Crawler) => crawler.owes(PRICE), 'payload.voucher.signature'],
    [
      'a deposit',
      (crawler: Crawler) => crawler.deposits(DEPOSIT, PRICE),
      'payload.deposit.authorization.erc3009Authorization.signature',
    ],
  ] as const)(
    'of %s is refused without any call, and the relayer sends nothing [B6]',
    async (_, pay, path) => {
      const payment = wrapped(await pay(await newCrawler(shop)), path)
      shop.calls.length = 0
      expect(await outcomeOf(payment)).toMatchObject({ status: 402, sent: 0 })
      expect(shop.calls).toEqual([])
    },
  )
})
