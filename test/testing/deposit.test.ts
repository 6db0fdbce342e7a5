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

/** The refusal of a deposit that is good but for what is changed. */
async function refusedDeposit(changes: Partial<ChannelConfig>, amount = 10n, collector: Address = COLLECTOR) {
  const config = makeConfig(rig, changes)
  const data = await authorizeDeposit(config, amount, rig.payer)
  return refusal(rig, rig.stranger.address, 'deposit', [config, amount, collector, data])
}

it('a first deposit creates the channel, whoever sends it', async () => {
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

it('a deposit leaves a pending withdrawal as it is', async () => {
  const { config, id } = await open(rig, 1_000n)
  await send(rig, rig.payer.address, 'initiateWithdraw', [config, 1_000n])
  const before = await readChannel(rig, id)
  await deposit(rig, config, 500n)
  expect(await readChannel(rig, id)).toEqual({ ...before, balance: 1_500n })
})

it.each(['payer', 'receiver', 'receiverAuthorizer', 'token'] as const)(
  'a deposit without %s is refused: InvalidChannel',
  async (part) => {
    expect(await refusedDeposit({ [part]: ZERO })).toBe('InvalidChannel')
  },
)

it('a channel without a payer authorizer is good: the payer itself signs', async () => {
  expect(await refusedDeposit({ payerAuthorizer: ZERO })).toBe(null)
})

it.each([
  [899, 'WithdrawDelayOutOfRange'],
  [900, null],
  [2_592_000, null],
  [2_592_001, 'WithdrawDelayOutOfRange'],
])('a withdraw delay of %i seconds is answered %s', async (withdrawDelay, expected) => {
  expect(await refusedDeposit({ withdrawDelay })).toBe(expected)
})

it('a deposit of nothing is refused: ZeroDeposit', async () => {
  expect(await refusedDeposit({}, 0n)).toBe('ZeroDeposit')
})

it('a deposit by no collector is refused: InvalidCollector', async () => {
  expect(await refusedDeposit({}, 10n, ZERO)).toBe('InvalidCollector')
})

it('a deposit that would pass 128 bits is refused: DepositOverflow', async () => {
  const { config } = await open(rig, 10n)
  const data = await authorizeDeposit(config, 2n ** 128n - 10n, rig.payer)
  const args = [config, 2n ** 128n - 10n, COLLECTOR, data]
  expect(await refusal(rig, rig.stranger.address, 'deposit', args)).toBe('DepositOverflow')
})

it('a collector that brings less than it should is refused: DepositCollectionFailed', async () => {
  const idle: Address = '0x00000000000000000000000000000000000000aa'
  // STOP: takes the call and does nothing.
  await rig.chain.rpc('anvil_setCode', [idle, '0x00'])
  expect(await refusedDeposit({}, 10n, idle)).toBe('DepositCollectionFailed')
})

it('an authorization is bound to its channel: it cannot fund another', async () => {
  const [mine, other] = [makeConfig(rig), makeConfig(rig)]
  const data = await authorizeDeposit(mine, 10n, rig.payer)
  const refused = await refusal(rig, rig.stranger.address, 'deposit', [other, 10n, COLLECTOR, data])
  expect(refused).toBe('FiatTokenV2: invalid signature')
})

it('an authorization for another amount is refused by the token', async () => {
  const config = makeConfig(rig)
  const data = await authorizeDeposit(config, 10n, rig.payer)
  const refused = await refusal(rig, rig.stranger.address, 'deposit', [config, 11n, COLLECTOR, data])
  expect(refused).toBe('FiatTokenV2: invalid signature')
})

it('an authorization cannot fund its channel twice', async () => {
  const config = makeConfig(rig)
  const data = await authorizeDeposit(config, 10n, rig.payer)
  await send(rig, rig.stranger.address, 'deposit', [config, 10n, COLLECTOR, data])
  const refused = await refusal(rig, rig.stranger.address, 'deposit', [config, 10n, COLLECTOR, data])
  expect(refused).toBe('FiatTokenV2: authorization is used or canceled')
})

it('an authorization that has expired is refused by the token', async () => {
  const config = makeConfig(rig)
  const data = await authorizeDeposit(config, 10n, rig.payer, { validBefore: await now(rig) })
  const refused = await refusal(rig, rig.stranger.address, 'deposit', [config, 10n, COLLECTOR, data])
  expect(refused).toBe('FiatTokenV2: authorization is expired')
})

it('the collector serves the escrow alone: OnlyX402BatchSettlement', async () => {
  const config = makeConfig(rig)
  const data = await authorizeDeposit(config, 10n, rig.payer)
  const args = [rig.payer.address, USDC, 10n, channelId(config), data]
  expect(await refusal(rig, rig.stranger.address, 'collect', args, COLLECTOR)).toBe('OnlyX402BatchSettlement')
})
