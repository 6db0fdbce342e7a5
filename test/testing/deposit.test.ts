import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { COLLECTOR, ESCROW, USDC } from '../../src/testing/chain/chain.ts'
import { balanceOf, now, type Rig, readChannel, refusal, send, startRig, ZERO } from './harness.ts'
import { authorizeDeposit, channelId, deposit, makeConfig, open } from './paper.ts'

let rig: Rig
beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.chain.stop())

/** The error of an otherwise valid deposit with these changes; null if it is accepted. */
async function refusedDeposit(changes: Partial<ChannelConfig>, amount = 10n, collector: Address = COLLECTOR) {
  const config = makeConfig(rig, changes)
  const data = await authorizeDeposit(config, amount, rig.payer)
  return refusal(rig, rig.stranger.address, 'deposit', [config, amount, collector, data])
}

it('a first deposit creates the channel for any sender', async () => {
  const config = makeConfig(rig)
  const { events } = await deposit(rig, config, 1_000n)
  expect(events.map(({ eventName }) => eventName)).toEqual(['ChannelCreated', 'Deposited'])
  expect(await readChannel(rig, channelId(config))).toMatchObject({ balance: 1_000n, totalClaimed: 0n })
})

it('a deposit moves exactly its amount from the payer to the escrow', async () => {
  const [payer, escrow] = [await balanceOf(rig, rig.payer.address), await balanceOf(rig, ESCROW)]
  await open(rig, 1_234n)
  expect(await balanceOf(rig, rig.payer.address)).toBe(payer - 1_234n)
  expect(await balanceOf(rig, ESCROW)).toBe(escrow + 1_234n)
  expect(await balanceOf(rig, COLLECTOR)).toBe(0n)
})

it('a top-up adds to the balance and creates nothing', async () => {
  const { config, id } = await open(rig, 1_000n)
  const { events } = await deposit(rig, config, 500n)
  expect(events).toMatchObject([{ eventName: 'Deposited', args: { amount: 500n, newBalance: 1_500n } }])
  expect(await readChannel(rig, id)).toMatchObject({ balance: 1_500n })
})

it('a deposit into an emptied channel creates it again', async () => {
  const { config } = await open(rig, 1_000n)
  await send(rig, rig.receiver.address, 'refund', [config, 1_000n])
  const { events } = await deposit(rig, config, 500n)
  expect(events.map(({ eventName }) => eventName)).toEqual(['ChannelCreated', 'Deposited'])
})

it('a deposit leaves a pending withdrawal unchanged', async () => {
  const { config, id } = await open(rig, 1_000n)
  await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
  const before = await readChannel(rig, id)
  await deposit(rig, config, 500n)
  expect(await readChannel(rig, id)).toEqual({ ...before, balance: 1_500n })
})

it.each(['payer', 'receiver', 'receiverAuthorizer', 'token'] as const)(
  'a deposit without %s is rejected with InvalidChannel',
  async (part) => {
    expect(await refusedDeposit({ [part]: ZERO })).toBe('InvalidChannel')
  },
)

it('a deposit into a channel without a payer authorizer is accepted', async () => {
  expect(await refusedDeposit({ payerAuthorizer: ZERO })).toBe(null)
})

it.each([
  [899, 'WithdrawDelayOutOfRange'],
  [900, null],
  [2_592_000, null],
  [2_592_001, 'WithdrawDelayOutOfRange'],
])('a deposit with a withdraw delay of %i seconds returns %s', async (withdrawDelay, expected) => {
  expect(await refusedDeposit({ withdrawDelay })).toBe(expected)
})

it('a deposit of zero is rejected with ZeroDeposit', async () => {
  expect(await refusedDeposit({}, 0n)).toBe('ZeroDeposit')
})

it('a deposit without a collector is rejected with InvalidCollector', async () => {
  expect(await refusedDeposit({}, 10n, ZERO)).toBe('InvalidCollector')
})

it('a deposit beyond 128 bits is rejected with DepositOverflow', async () => {
  const { config } = await open(rig, 10n)
  const data = await authorizeDeposit(config, 2n ** 128n - 10n, rig.payer)
  const args = [config, 2n ** 128n - 10n, COLLECTOR, data]
  expect(await refusal(rig, rig.stranger.address, 'deposit', args)).toBe('DepositOverflow')
})

it('a deposit is rejected with DepositCollectionFailed if the collector transfers too little', async () => {
  const idle: Address = '0x00000000000000000000000000000000000000aa'
  // STOP: accepts the call and does nothing.
  await rig.chain.rpc('anvil_setCode', [idle, '0x00'])
  expect(await refusedDeposit({}, 10n, idle)).toBe('DepositCollectionFailed')
})

it('a deposit authorization cannot fund another channel', async () => {
  const [mine, other] = [makeConfig(rig), makeConfig(rig)]
  const data = await authorizeDeposit(mine, 10n, rig.payer)
  const refused = await refusal(rig, rig.stranger.address, 'deposit', [other, 10n, COLLECTOR, data])
  expect(refused).toBe('FiatTokenV2: invalid signature')
})

it('the token rejects a deposit authorization for another amount', async () => {
  const config = makeConfig(rig)
  const data = await authorizeDeposit(config, 10n, rig.payer)
  const refused = await refusal(rig, rig.stranger.address, 'deposit', [config, 11n, COLLECTOR, data])
  expect(refused).toBe('FiatTokenV2: invalid signature')
})

it('a deposit authorization cannot fund its channel twice', async () => {
  const config = makeConfig(rig)
  const data = await authorizeDeposit(config, 10n, rig.payer)
  await send(rig, rig.stranger.address, 'deposit', [config, 10n, COLLECTOR, data])
  const refused = await refusal(rig, rig.stranger.address, 'deposit', [config, 10n, COLLECTOR, data])
  expect(refused).toBe('FiatTokenV2: authorization is used or canceled')
})

it('the token rejects an expired deposit authorization', async () => {
  const config = makeConfig(rig)
  const data = await authorizeDeposit(config, 10n, rig.payer, { validBefore: await now(rig) })
  const refused = await refusal(rig, rig.stranger.address, 'deposit', [config, 10n, COLLECTOR, data])
  expect(refused).toBe('FiatTokenV2: authorization is expired')
})

it('the collector rejects other callers than the escrow with OnlyX402BatchSettlement', async () => {
  const config = makeConfig(rig)
  const data = await authorizeDeposit(config, 10n, rig.payer)
  const args = [rig.payer.address, USDC, 10n, channelId(config), data]
  expect(await refusal(rig, rig.stranger.address, 'collect', args, COLLECTOR)).toBe('OnlyX402BatchSettlement')
})
