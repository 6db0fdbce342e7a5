/** Dust waits until it is worth its gas, is old, or its payer leaves. The run names it, and stays settled. */
import { runInDurableObject } from 'cloudflare:test'
import { encodeFunctionData, parseAbi } from 'viem'
import { describe, expect, it } from 'vitest'
import { CLAIM_AFTER_MS } from '../../../src/settlement/channels/dust.ts'
import { randomHex, rpc } from '../../chain/harness.ts'
import { send } from '../../chain/payer.ts'
import {
  newReceiver,
  type OpenChannel,
  openChannel,
  openChannels,
  type ReceiverSetup,
  received,
  runOf,
} from '../harness.ts'

const WITHDRAW = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
])

async function newSetup(gas: Partial<ReceiverSetup['settings']['gas']> = {}): Promise<ReceiverSetup> {
  const setup = await newReceiver()
  const terms = { ...setup.settings.gas, minClaim: 100n, ...gas }
  return { ...setup, settings: { ...setup.settings, gas: terms } }
}

/** Makes all that the account recorded so far older. */
async function age({ account }: OpenChannel, ms: number): Promise<void> {
  await runInDurableObject(account, (_, { storage }) => {
    storage.sql.exec('UPDATE entry SET at = at - ?', ms)
  })
}

describe('A claim', () => {
  it('waits below MIN_CLAIM and is made at it; the run names what waits and is settled [H5]', async () => {
    const setup = await newSetup()
    const [dust, worth] = await openChannels(setup, 2)
    if (!dust || !worth) throw new Error('too few channels')
    await Promise.all([dust.charge(99n), worth.charge(100n)])
    const first = await runOf(setup)
    expect(first.status).toBe('settled')
    expect(first.record.dust).toEqual({
      amount: '99',
      count: 1,
      list: [{ channelId: dust.id, amount: '99' }],
    })
    expect(await received(setup)).toBe(100n)
    await dust.charge(1n)
    expect((await runOf(setup)).record.dust.count).toBe(0)
    expect(await received(setup)).toBe(200n)
  })

  it('that waits as dust leaves the finding unclaimed to claims that failed [H5]', async () => {
    const setup = await newSetup()
    const { relayer } = setup
    const dust = await openChannel(setup)
    const stuck = await openChannel({ ...setup, relayer: { ...relayer, address: randomHex(20) } })
    await Promise.all([dust.charge(99n), stuck.charge(100n)])
    const { status, record } = await runOf(setup)
    expect(record.dust.list).toEqual([{ channelId: dust.id, amount: '99' }])
    expect(record.findings.list.map(({ what, account }) => [what, account])).toEqual([
      ['unclaimed', stuck.id],
    ])
    expect(status).toBe('in_doubt')
  })

  it('waits while gas is dearer than what it brings [H5]', async () => {
    const setup = await newSetup({ minClaim: 1n, nativePrice: 10n ** 14n })
    await (await openChannel(setup)).charge(500n)
    expect((await runOf(setup)).record.dust.amount).toBe('500')
    expect(await received(setup)).toBe(0n)
  })

  it('of dust is made once it is thirty days old, and not before [H5]', async () => {
    const setup = await newSetup()
    const channel = await openChannel(setup)
    await channel.charge(5n)
    await age(channel, CLAIM_AFTER_MS - 60_000)
    await channel.charge(5n)
    expect((await runOf(setup)).record.dust.amount).toBe('10')
    await age(channel, 60_000)
    expect((await runOf(setup)).record).toMatchObject({ claimed: '10', dust: { count: 0 } })
  })

  it('of dust is made when its payer is withdrawing [H5]', async () => {
    const setup = await newSetup()
    const channel = await openChannel(setup)
    await channel.charge(5n)
    const args = [channel.config, 1_000n] as const
    const data = encodeFunctionData({ abi: WITHDRAW, functionName: 'initiateWithdraw', args })
    await send(channel.payer.address, setup.chain.escrow, data)
    expect((await runOf(setup)).record).toMatchObject({ claimed: '5', dust: { count: 0 } })
  })
})

describe('A sweep', () => {
  it('waits below its least amount, and the run is settled [H5]', async () => {
    const setup = await newSetup()
    const channel = await openChannel(setup)
    await channel.charge(5n)
    await age(channel, CLAIM_AFTER_MS)
    const first = await runOf(setup)
    expect([first.status, first.record.claimed, first.record.swept]).toEqual(['settled', '5', '0'])
    expect(await received(setup)).toBe(0n)
    await channel.charge(100n)
    await runOf(setup)
    expect(await received(setup)).toBe(105n)
  })
})

describe('A run', () => {
  it('warns while the relayer holds less than twice its reserve, and claims all the same [F13]', async () => {
    const setup = await newSetup({ reserve: 10n ** 18n })
    const sent: Record<string, unknown>[] = []
    setup.settings.webhook = {
      url: 'https://operator.example/hook',
      secret: 'a secret of the webhook',
      now: () => Date.now(),
      fetch: async (_, init) => {
        sent.push(JSON.parse(String(init?.body)))
        return new Response(null, { status: 204 })
      },
    }
    await (await openChannel(setup)).charge(100n)
    await rpc('anvil_setBalance', setup.relayer.address, `0x${(2n * 10n ** 18n).toString(16)}`)
    const ended = await runOf(setup)
    expect(ended.record.findings.list).toEqual([
      {
        account: setup.relayer.address,
        what: 'low_gas',
        detail: expect.stringContaining('must hold 2000000000000000000'),
      },
    ])
    expect([ended.status, ended.record.claimed]).toEqual(['settled', '100'])
    expect(sent).toMatchObject([
      { type: 'relayer.low_gas', relayer: setup.relayer.address, mark: `2${'0'.repeat(18)}` },
    ])
  })
})
