import { env } from 'cloudflare:test'
import { numberToHex } from 'viem'
import { describe, expect, it } from 'vitest'
import { findRun, saveRun } from '../../../src/ledger/book/runs.ts'
import { listedChannels, readWatch, watchedChannels } from '../../../src/ledger/book/watch.ts'
import { windowOf } from '../../../src/platform/time.ts'
import { signWebhook } from '../../../src/platform/webhook.ts'
import { WATCH_SHARE, watch } from '../../../src/settlement/channels/withdrawal-watch.ts'
import { randomHex, rpc } from '../../chain/harness.ts'
import { runs } from '../../ledger/book/lists.ts'
import {
  newReceiver,
  type OpenChannel,
  openChannel,
  openChannels,
  type ReceiverSetup,
  recordOf,
  runOf,
  standingOf,
} from '../harness.ts'
import { nextTime, withdraw } from './harness.ts'

/** A watch that polls one channel. */
const ONE = { ...WATCH_SHARE, page: 1, pages: 1 }

/** A watch that sees none of the withdrawals of earlier tests. */
const ALONE = { ...WATCH_SHARE, overlap: 0 }

const NETWORK = 'eip155:84532'
const NO_LOGS = {
  method: 'eth_getLogs',
  does: 'answer',
  error: { code: -32_600, message: 'not available on your plan' },
} as const

/** Channels in the order in which the watch polls them, each with a charge of 10. */
async function inOrder(setup: ReceiverSetup, count: number): Promise<OpenChannel[]> {
  const channels = await openChannels(setup, count)
  for (const channel of channels) await channel.charge(10n)
  return channels.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

const idOf = (time: number) => `watch-${windowOf(time)}`
const redeemedBy = async (channel: OpenChannel | undefined) =>
  channel && (await standingOf(channel.id)).redeemed

/** More blocks than a watch reads again. */
const passOn = () => rpc('anvil_mine', numberToHex(WATCH_SHARE.overlap + 40))

/** Eight channels, of which the last one in the poll's order is withdrawn from. */
async function withdrawnFar() {
  const setup = await newReceiver()
  const last = (await inOrder(setup, 8)).at(-1)
  if (!last) throw new Error('there must be eight channels')
  await watch(setup.settings, nextTime(), ONE)
  await withdraw(last, setup.chain.escrow, 500n)
  await passOn()
  return { setup, last }
}

/** The settings of a receiver whose relayer sends nothing at present. */
function tooDear({ settings }: ReceiverSetup) {
  const send = async () => {
    throw new Error('fee_too_high: the base fee is 30000000000 wei')
  }
  return { ...settings, relayer: { ...settings.relayer, send } }
}

describe('Watch that reads logs', () => {
  it('claims a withdrawal at once, however many channels the poll has before it [F1]', async () => {
    const setup = await newReceiver()
    const channels = await inOrder(setup, 3)
    await watch(setup.settings, nextTime(), ONE)
    const last = channels[2]
    if (!last) throw new Error('there must be three channels')
    await withdraw(last, setup.chain.escrow, 500n)
    expect(await watch(setup.settings, nextTime(), ONE)).toBe(1)
    expect(await redeemedBy(last)).toBe(10n)
  })

  it('asks for fewer blocks until the node answers', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(10n)
    await watch(setup.settings, nextTime(), ONE)
    await withdraw(channel, setup.chain.escrow, 500n)
    await setup.relayer.lane.misbehave({ ...NO_LOGS, times: 2 })
    await watch(setup.settings, nextTime(), { ...ONE, pages: 0 })
    expect(await redeemedBy(channel)).toBe(10n)
    const spans = (await setup.relayer.lane.seen('eth_getLogs')).slice(1).map(({ params }) => {
      const [{ fromBlock, toBlock }] = params as [{ fromBlock: string; toBlock: string }]
      return Number(toBlock) - Number(fromBlock) + 1
    })
    const [whole = 0, half, quarter] = spans
    expect([half, quarter]).toEqual([Math.floor(whole / 2), Math.floor(Math.floor(whole / 2) / 2)])
  })

  it('goes on after the last block when its requests are used up', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(10n)
    await watch(setup.settings, nextTime(), ONE)
    await withdraw(channel, setup.chain.escrow, 500n)
    // The overlap alone takes more than one request.
    const small = { ...ONE, overlap: 9, span: 4, requests: 1, pages: 0 }
    const before = (await readWatch(env.BOOK, NETWORK))?.block ?? 0
    await watch(setup.settings, nextTime(), small)
    const after = (await readWatch(env.BOOK, NETWORK))?.block ?? 0
    expect(after).toBe(before - 9 + 3)
  })

  it('polls instead after as many failed requests as it may make', async () => {
    const setup = await newReceiver()
    await watch(setup.settings, nextTime(), ONE)
    await setup.relayer.lane.misbehave(NO_LOGS)
    await watch(setup.settings, nextTime(), { ...ONE, failures: 2 })
    // The first watch made one request.
    expect(await setup.relayer.lane.seen('eth_getLogs')).toHaveLength(1 + 2)
  })

  it('asks no more unlisted channels than it may', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(10n)
    await env.BOOK.prepare('DELETE FROM account').run()
    await withdraw(channel, setup.chain.escrow, 500n)
    expect(await watch(setup.settings, nextTime(), { ...ALONE, unlisted: 0 })).toBe(0)
    expect(await redeemedBy(channel)).toBe(0n)
  })

  it('claims in the next watch what this one could not, however many channels the poll has before it [F1]', async () => {
    const { setup, last } = await withdrawnFar()
    await watch(tooDear(setup), nextTime(), ONE)
    expect((await readWatch(env.BOOK, NETWORK))?.unclaimed).toContain(last.id)
    await passOn()
    await watch(setup.settings, nextTime(), ONE)
    expect(await redeemedBy(last)).toBe(10n)
    expect((await readWatch(env.BOOK, NETWORK))?.unclaimed).not.toContain(last.id)
  })

  it('claims in the next watch what waits for its block in this one [F1, I9]', async () => {
    const { setup, last } = await withdrawnFar()
    const hash = `0x${'ee'.repeat(32)}` as const
    const send = async () => ({ status: 'pending' as const, hash })
    await watch({ ...setup.settings, relayer: { ...setup.settings.relayer, send } }, nextTime(), ONE)
    await passOn()
    await watch(setup.settings, nextTime(), ONE)
    expect(await redeemedBy(last)).toBe(10n)
  })

  it('claims in the next watch where the node has refused the claim of this one [F1, F9]', async () => {
    const { setup, last } = await withdrawnFar()
    const error = { code: 3, message: 'execution reverted' }
    await setup.relayer.lane.misbehave({ method: 'eth_estimateGas', does: 'answer', error, times: 1 })
    await watch(setup.settings, nextTime(), ONE)
    await passOn()
    await watch(setup.settings, nextTime(), ONE)
    expect(await redeemedBy(last)).toBe(10n)
  })

  it('keeps what it could not claim when the next watch cannot read the chain [F1, F9]', async () => {
    const { setup, last } = await withdrawnFar()
    await watch(tooDear(setup), nextTime(), ONE)
    await passOn()
    const down = { method: 'eth_call', does: 'answer', error: { code: -32_000, message: 'busy' } } as const
    await setup.relayer.lane.misbehave(down)
    await expect(watch(setup.settings, nextTime(), ONE)).rejects.toThrow()
    await setup.relayer.lane.misbehave()
    await watch(setup.settings, nextTime(), ONE)
    expect(await redeemedBy(last)).toBe(10n)
  })

  it('reads the blocks again after a node has named one that the chain does not have [F9]', async () => {
    const setup = await newReceiver()
    const last = (await inOrder(setup, 8)).at(-1)
    if (!last) throw new Error('there must be eight channels')
    await watch(setup.settings, nextTime(), ONE)
    const head = { method: 'eth_blockNumber', does: 'answer', result: '0xffffff', times: 1 } as const
    await setup.relayer.lane.misbehave(head)
    await watch(setup.settings, nextTime(), ONE)
    await withdraw(last, setup.chain.escrow, 500n)
    await passOn()
    await watch(setup.settings, nextTime(), ONE)
    expect(await redeemedBy(last)).toBe(10n)
  })

  it('finds its own channels among any number of others', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    const others = Array.from({ length: 5_001 }, () => randomHex(32))
    expect(await listedChannels(env.BOOK, [...others, channel.id])).toEqual(new Set([channel.id]))
  })

  it('claims from a channel that the read model has lost', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(10n)
    await env.BOOK.prepare('DELETE FROM account').run()
    await withdraw(channel, setup.chain.escrow, 500n)
    expect(await watch(setup.settings, nextTime(), ALONE)).toBe(1)
    expect(await redeemedBy(channel)).toBe(10n)
  })
})

describe('Watch that polls', () => {
  it('goes through all channels before it begins again, past one that never finalises its withdrawal', async () => {
    const setup = await newReceiver()
    const [first, second, third] = await inOrder(setup, 3)
    if (!first || !second || !third) throw new Error('there must be three channels')
    await setup.relayer.lane.misbehave(NO_LOGS)
    for (const channel of [first, third]) await withdraw(channel, setup.chain.escrow, 500n)
    const places: (string | undefined)[] = []
    for (let firing = 0; firing < 5; firing++) {
      await watch(setup.settings, nextTime(), ONE)
      places.push((await readWatch(env.BOOK, NETWORK))?.after)
    }
    expect(places).toEqual([first.id, second.id, third.id, '', first.id])
    expect(await Promise.all([first, second, third].map(redeemedBy))).toEqual([10n, 0n, 10n])
  })

  it('reads more channels while the logs cannot be read', async () => {
    const setup = await newReceiver()
    const channels = await inOrder(setup, 3)
    const share = { ...ONE, pages: 3 }
    await watch(setup.settings, nextTime(), share)
    await watch(setup.settings, nextTime(), share)
    expect((await readWatch(env.BOOK, NETWORK))?.after).toBe('')
    await setup.relayer.lane.misbehave(NO_LOGS)
    await watch(setup.settings, nextTime(), share)
    expect((await readWatch(env.BOOK, NETWORK))?.after).toBe(channels[2]?.id)
  })

  it('saves its place once, after the last range of logs and the last page', async () => {
    const setup = await newReceiver()
    await watch(setup.settings, nextTime(), ALONE)
    const written: string[] = []
    const prepare = (query: string) => {
      if (query.includes('INTO watch')) written.push(query)
      return env.BOOK.prepare(query)
    }
    const book = { prepare, batch: env.BOOK.batch.bind(env.BOOK) } as D1Database
    await watch({ ...setup.settings, book }, nextTime(), ALONE)
    expect(written).toHaveLength(1)
  })

  it('begins no further read once its time is over', async () => {
    const setup = await newReceiver()
    await inOrder(setup, 2)
    await watch(setup.settings, nextTime(), { ...ONE, pages: 2, budgetMs: -1 })
    expect((await readWatch(env.BOOK, NETWORK))?.after).toBe('')
    await watch(setup.settings, nextTime(), ONE)
    expect((await readWatch(env.BOOK, NETWORK))?.after).not.toBe('')
  })

  it('leaves out a channel whose escrow is empty, without a scan of all rows', async () => {
    const setup = await newReceiver()
    const [empty, full] = await openChannels(setup, 2, 40n)
    if (!empty || !full) throw new Error('there must be two channels')
    await empty.charge(40n)
    await full.charge(10n)
    expect(await watchedChannels(env.BOOK, setup.chain.network, '', 10)).toHaveLength(2)
    await runOf(setup)
    expect(await watchedChannels(env.BOOK, setup.chain.network, '', 10)).toEqual([full.id])
    const query = `EXPLAIN QUERY PLAN SELECT id FROM account
      WHERE kind = 'channel' AND (ceiling IS NULL OR ceiling <> redeemed) AND network = 'eip155:84532' AND id > ''
      ORDER BY id LIMIT 10`
    const { results } = await env.BOOK.prepare(query).all<{ detail: string }>()
    expect(results.map(({ detail }) => detail).join()).toMatch(/USING (?:COVERING )?INDEX account_watched/)
  })
})

describe('Record of a watch', () => {
  it('is running while the watch reads, and deleted when the watch found nothing', async () => {
    const setup = await newReceiver()
    await setup.relayer.lane.misbehave({ method: 'eth_blockNumber', does: 'delay', ms: 500, times: 1 })
    const time = nextTime()
    const watching = watch(setup.settings, time, ALONE)
    await expect
      .poll(() => findRun(env.BOOK, idOf(time)), { interval: 10 })
      .toMatchObject({ kind: 'watch', status: 'running', record: { moment: time } })
    await watching
    expect(await findRun(env.BOOK, idOf(time))).toBeNull()
  })

  it('is abandoned once the next watch begins after a kill', async () => {
    const setup = await newReceiver()
    const killed = nextTime()
    const run = {
      id: idOf(killed),
      kind: 'watch',
      status: 'running',
      startedAt: killed,
      endedAt: null,
    } as const
    await saveRun(env.BOOK, { ...run, record: { moment: killed } })
    await watch(setup.settings, nextTime(), ALONE)
    expect(await findRun(env.BOOK, run.id)).toMatchObject({
      status: 'abandoned',
      endedAt: expect.any(Number),
    })
  })

  it('is failed when the node is down, and the firing fails too', async () => {
    const setup = await newReceiver()
    const settings = { ...setup.settings, chain: { ...setup.chain, rpcUrl: 'http://127.0.0.1:1' } }
    const time = nextTime()
    await expect(watch(settings, time)).rejects.toThrow('unreachable')
    expect(await recordOf(idOf(time))).toMatchObject({
      status: 'failed',
      record: { fault: expect.stringContaining('unreachable'), findings: { count: 0 } },
    })
  })
})

describe('Blind watch', () => {
  const SECRET = 'a-secret-that-signs-webhooks'

  it('alerts the operator once after three failures in a row, and again after it has seen', async () => {
    const setup = await newReceiver()
    const calls: { body: string; signature: string | null }[] = []
    let isUp = false
    const webhook = {
      url: 'https://hooks.example/tab402',
      secret: SECRET,
      now: () => 7_000,
      fetch: async (_: RequestInfo | URL, init?: RequestInit) => {
        calls.push({
          body: String(init?.body),
          signature: new Headers(init?.headers).get('tab402-signature'),
        })
        return new Response(null, { status: isUp ? 204 : 500 })
      },
    }
    const down = { ...setup.chain, rpcUrl: 'http://127.0.0.1:1' }
    const fail = async () => {
      const time = nextTime()
      await expect(watch({ ...setup.settings, chain: down, webhook }, time)).rejects.toThrow('unreachable')
      return time
    }
    await fail()
    await fail()
    expect(calls).toEqual([])
    const third = await fail()
    const [call] = calls
    expect(JSON.parse(call?.body ?? '')).toMatchObject({ id: idOf(third), type: 'watch.blind', at: third })
    expect(call?.signature).toBe(await signWebhook(call?.body ?? '', SECRET, 7))
    const { status, record } = await recordOf(idOf(third))
    expect([status, record.findings.list]).toEqual([
      'failed',
      [{ account: 'watch', what: 'blind', detail: expect.stringContaining('3 watches in a row') }],
    ])
    // The webhook has not accepted the alert, so the next watch sends it again.
    isUp = true
    await fail()
    await fail()
    expect(calls).toHaveLength(2)

    await watch(setup.settings, nextTime())
    for (let firing = 0; firing < 3; firing++) await fail()
    expect(calls).toHaveLength(3)
  })
})

describe('Settlement run without a watch', () => {
  it('claims from a payer who withdraws, and reports that no watch has seen the channel [F2]', async () => {
    const setup = await newReceiver()
    const channel = await openChannel(setup)
    await channel.charge(30n)
    await withdraw(channel, setup.chain.escrow, 900n)
    await env.BOOK.prepare('UPDATE account SET opened_at = ?')
      .bind(Date.now() - 3_700_000)
      .run()
    const ended = await runOf(setup)
    expect(await redeemedBy(channel)).toBe(30n)
    expect([ended.status, ended.record.findings.list]).toEqual([
      'in_doubt',
      [{ account: 'watch', what: 'unwatched', detail: 'the watch has read the chain never' }],
    ])

    await watch(setup.settings, nextTime())
    expect((await runOf(setup)).status).toBe('settled')
    await env.BOOK.prepare('UPDATE watch SET seen_at = ?')
      .bind(Date.now() - 3_700_000)
      .run()
    expect((await runOf(setup)).record.findings.list).toMatchObject([{ what: 'unwatched' }])
    expect((await runs(env.BOOK, 1))[0]?.status).toBe('in_doubt')
  })
})
