import { encodeFunctionData, parseAbi } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import type { Hex } from '../../src/protocol/evm/hex.ts'
import {
  accountOf,
  CANARY,
  errorOf,
  fire,
  openTab,
  PRICE,
  type Site,
  settleAt,
  startSite,
  type Tab,
  WATCH,
} from './site.ts'

const DELAY = 3_600
const DAY = 86_400_000
const DEPOSIT = 10_000n
const BATCH = 'invalid_batch_settlement_evm_'

const CONFIG =
  '(address payer, address payerAuthorizer, address receiver, address receiverAuthorizer, address token, uint40 withdrawDelay, bytes32 salt) config'
const ESCROW = parseAbi([
  `function initiateWithdraw(${CONFIG}, uint128 amount)`,
  `function finalizeWithdraw(${CONFIG})`,
])

let site: Site
let midnight = Date.now()
/** How far the clock of the chain and its payers is ahead of the Worker's. */
let aheadMs = 0

beforeAll(async () => {
  site = await startSite({ WITHDRAW_DELAY: `${DELAY}`, SHORT_WITHDRAW_DELAY: 'accepted' })
  const now = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs)
})
afterAll(async () => {
  vi.restoreAllMocks()
  await site.stop()
})
afterEach(() => expect(site.logs.filter((line) => line.startsWith('error'))).toEqual([]))

const tonight = () => (midnight += DAY)

/** A payer's own transaction, not through the Worker. */
async function send({ address }: Tab['account'], data: Hex): Promise<void> {
  const { rpc, escrow } = site.chain
  const hash = await rpc('eth_sendTransaction', [{ from: address, to: escrow, data }])
  await expect.poll(() => rpc('eth_getTransactionReceipt', [hash])).toMatchObject({ status: '0x1' })
}

async function configOf(id: Hex): Promise<ChannelConfig> {
  return (await accountOf(site, id)).standing.config
}

async function initiate(tab: Tab, id: Hex, amount: bigint): Promise<void> {
  const args = [await configOf(id), amount] as const
  await send(tab.account, encodeFunctionData({ abi: ESCROW, functionName: 'initiateWithdraw', args }))
}

async function finalize(tab: Tab, id: Hex): Promise<void> {
  const args = [await configOf(id)] as const
  await send(tab.account, encodeFunctionData({ abi: ESCROW, functionName: 'finalizeWithdraw', args }))
}

async function passTheDelay(): Promise<void> {
  await site.chain.rpc('evm_increaseTime', [DELAY + 1])
  await site.chain.rpc('evm_mine')
  aheadMs += (DELAY + 1) * 1_000
}

/** A crawler that bought some pages on its channel. */
async function read(pages: number): Promise<{ tab: Tab; id: Hex }> {
  const tab = openTab(site, site.payer())
  let id: Hex = '0x'
  for (let page = 1; page <= pages; page++) id = (await tab.buy(`/page/${page}`)).channelId
  return { tab, id }
}

/** Expects the account, the read model and the chain to agree about a channel. */
async function expectAgreed(
  id: Hex,
  figures: { charged: bigint; redeemed: bigint; ceiling: bigint },
): Promise<void> {
  const { standing } = await accountOf(site, id)
  const line = (await site.books.lines()).find((one) => one.id === id)
  const [charged, redeemed, ceiling] = [figures.charged, figures.redeemed, figures.ceiling].map(String)
  expect(standing).toMatchObject({ charged, redeemed, state: { balance: ceiling, totalClaimed: redeemed } })
  expect(line?.totals).toMatchObject({ charged, redeemed, ceiling })
  expect(await site.coins.channel(id)).toEqual({ balance: figures.ceiling, claimed: figures.redeemed })
}

describe('payer who withdraws', { timeout: 60_000 }, () => {
  it('is claimed from by the next watch, and its vouchers are refused from then on [F1]', async () => {
    const { tab, id } = await read(3)
    const had = await site.coins.holds(site.facts.receiver)
    await initiate(tab, id, DEPOSIT)
    await fire(site, WATCH)
    expect(await site.coins.channel(id)).toEqual({ balance: DEPOSIT, claimed: 3n * PRICE })
    expect((await site.books.runs())[0]).toMatchObject({
      kind: 'watch',
      status: 'settled',
      record: { withdrawing: 1, claimed: `${3n * PRICE}`, findings: { count: 0 } },
    })
    const refused = await tab.ask('/more')
    expect(refused.status).toBe(402)
    expect(await errorOf(refused)).toBe('tab_withdrawal_pending')
    expect(await refused.text()).not.toContain(CANARY)

    await passTheDelay()
    await finalize(tab, id)
    const run = await settleAt(site, tonight())
    expect(run).toMatchObject({ status: 'settled', record: { findings: { count: 0 } } })
    await expectAgreed(id, { charged: 3n * PRICE, redeemed: 3n * PRICE, ceiling: 3n * PRICE })
    expect((await site.coins.holds(site.facts.receiver)) - had).toBe(3n * PRICE)
    // It opens the same channel again with a new deposit, and the total goes on.
    const again = openTab(site, tab.account)
    expect(await again.buy('/back')).toMatchObject({ channelId: id, due: PRICE, charged: 4n * PRICE })
  })

  it('causes an uncovered finding if it wins the race, and the others still settle [F1]', async () => {
    const [quick, honest] = [await read(3), await read(2)]
    await initiate(quick.tab, quick.id, DEPOSIT - PRICE)
    await passTheDelay()
    await finalize(quick.tab, quick.id)
    // The account has not seen the withdrawal yet, so it still sells.
    await quick.tab.buy('/late')
    const had = await site.coins.holds(site.facts.receiver)

    const run = await settleAt(site, tonight())
    expect(run).toMatchObject({
      status: 'settled',
      record: {
        findings: {
          list: [{ account: quick.id, what: 'uncovered', detail: `${3n * PRICE} of ${4n * PRICE}` }],
        },
      },
    })
    await expectAgreed(quick.id, { charged: 4n * PRICE, redeemed: PRICE, ceiling: PRICE })
    await expectAgreed(honest.id, { charged: 2n * PRICE, redeemed: 2n * PRICE, ceiling: DEPOSIT })
    // The sum includes the rest in the escrow and the last page of the test before.
    expect((await site.coins.holds(site.facts.receiver)) - had).toBe((1n + 2n + 1n) * PRICE)

    const refused = await quick.tab.ask('/more')
    expect(await errorOf(refused)).toBe(`${BATCH}cumulative_exceeds_balance`)
    expect(await refused.text()).not.toContain(CANARY)

    // The total after a new deposit goes on from the loss, so the deposit covers it.
    const again = openTab(site, quick.tab.account)
    expect(await again.buy('/back')).toMatchObject({ channelId: quick.id, charged: 5n * PRICE })
    expect(await settleAt(site, tonight())).toMatchObject({ record: { findings: { count: 0 } } })
    await expectAgreed(quick.id, { charged: 5n * PRICE, redeemed: 5n * PRICE, ceiling: PRICE + DEPOSIT })
  })
})

describe('payer who returns after a refund', { timeout: 60_000 }, () => {
  const send = (path: string, payment: string) =>
    fetch(site.facts.url + path, {
      headers: { 'user-agent': 'ExampleBot/1.0', 'payment-signature': payment },
    })

  it('can use old vouchers only to replay the pages that they paid [A14]', async () => {
    const tab = openTab(site, site.payer())
    const { channelId: id } = await tab.buy('/first')
    const used = await tab.sign('/used')
    expect((await send('/used', used)).status).toBe(200)
    const unused = await tab.sign('/unused')
    const charged = await tab.charged()
    await tab.scheme.refund(`${site.facts.url}/any`)
    expect(await site.coins.channel(id)).toEqual({ balance: charged, claimed: charged })

    expect(await errorOf(await send('/unused', unused))).toBe(`${BATCH}cumulative_exceeds_balance`)
    const again = openTab(site, tab.account)
    expect(await again.buy('/back')).toMatchObject({ channelId: id, charged: charged + PRICE })
    // The total has moved past these vouchers.
    for (const [path, old] of [
      ['/new', used],
      ['/unused', unused],
    ] as const) {
      const response = await send(path, old)
      expect([response.status, await errorOf(response)]).toEqual([402, `${BATCH}cumulative_amount_mismatch`])
    }
    const replayed = await send('/used', used)
    expect([replayed.status, await replayed.text()]).toEqual([200, `/used: ${CANARY}\n`])
    expect(await again.charged()).toBe(charged + PRICE)

    await settleAt(site, tonight())
    const balance = charged + DEPOSIT
    await expectAgreed(id, { charged: charged + PRICE, redeemed: charged + PRICE, ceiling: balance })
    expect((await accountOf(site, id)).entries.filter(({ kind }) => kind === 'refund')).toHaveLength(2)
  })
})
