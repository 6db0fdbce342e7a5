/** A run over several networks: each part alone, whatever becomes of the others. */
import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { listings } from '../../src/ledger/book/accounts.ts'
import { networks } from '../../src/protocol/evm/network.ts'
import { watchAll } from '../../src/settlement/channels/withdrawal-watch.ts'
import type { Settings } from '../../src/settlement/context.ts'
import { withdraw } from './channels/harness.ts'
import {
  newReceiver,
  openChannel,
  type ReceiverSetup,
  received,
  recordOf,
  runWork,
  standingOf,
} from './harness.ts'

const BASE = 'eip155:8453'

/** Settings of Base, whose node does not respond, beside those of the local chain. */
function withDeadBase({ settings, chain }: ReceiverSetup): [dead: Settings, live: Settings] {
  const network = networks.get(BASE)
  if (!network) throw new Error('the network must be known')
  const { chainId, usdc } = network
  const dead = { ...chain, network: BASE, chainId, token: usdc.address, rpcUrl: 'http://127.0.0.1:1' }
  return [
    { ...settings, network, chain: dead, scope: { network: BASE, others: [chain.network] } },
    { ...settings, scope: { network: chain.network, others: null } },
  ]
}

describe('Run over two networks', () => {
  it('settles one while the node of the other is down, and then fails with its name', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(20n)
    const work = { book: env.BOOK, channels: withDeadBase(setup), exact: [], bill: null }
    const id = 'settle-one-network-down'
    await expect(runWork(work, undefined, id)).rejects.toThrow(`${BASE}: `)
    expect(await received(setup)).toBe(20n)
    expect(await standingOf(channel.id)).toMatchObject({ charged: 20n, redeemed: 20n })
    const { status, record } = await recordOf(id)
    expect([status, record.claimed, record.swept]).toEqual(['failed', '20', '20'])
    expect(record.transactions.list).toMatchObject([
      { kind: 'claim', network: setup.chain.network },
      { kind: 'sweep', network: setup.chain.network },
    ])
  })

  it('keeps the watch of one network alive while the other fails, each with a record of its own', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(20n)
    await withdraw(channel, setup.chain.escrow, 100n)
    const time = Date.UTC(2026, 10, 21, 12)
    await expect(watchAll(withDeadBase(setup), time)).rejects.toThrow('unreachable')
    expect(await standingOf(channel.id)).toMatchObject({ redeemed: 20n })
    const [dead, live] = await Promise.all(
      [8453, 84532].map((chain) => recordOf(`watch-20261121T120000-${chain}`)),
    )
    expect([dead?.status, live?.status]).toEqual(['failed', 'settled'])
  })

  it('writes the network of a channel that an earlier version has listed without one', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(20n)
    await env.BOOK.prepare('UPDATE account SET network = NULL').run()
    const [, live] = withDeadBase(setup)
    await runWork({ book: env.BOOK, channels: [live], exact: [], bill: null })
    const rows = await listings(env.BOOK, '', 10)
    expect(rows).toMatchObject([{ id: channel.id, network: setup.chain.network }])
    expect(await listings(env.BOOK, '', 10, { network: BASE, others: null })).toEqual([])
    expect(await listings(env.BOOK, '', 10, { network: BASE, others: [setup.chain.network] })).toEqual([])
    expect(await listings(env.BOOK, '', 10, { network: BASE, others: ['eip155:1'] })).toEqual(rows)
  })
})
