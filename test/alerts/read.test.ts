import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { NO_ALERTS } from '../../src/alerts/alert.ts'
import { readFacts } from '../../src/alerts/read.ts'
import type { AlertSettings } from '../../src/alerts/settings.ts'
import { encodeRefund } from '../../src/chain/escrow.ts'
import { readHeads } from '../../src/chain/heads.ts'
import { chartMoney, chartTraffic } from '../../src/ledger/book/chart.ts'
import { addReport } from '../../src/ledger/book/figure-report.ts'
import { saveRun } from '../../src/ledger/book/runs.ts'
import { trafficIn } from '../../src/ledger/book/traffic.ts'
import { HOUR_MS, MINUTE_MS } from '../../src/platform/time.ts'
import { padAmount } from '../../src/protocol/amount.ts'
import { watch } from '../../src/settlement/channels/withdrawal-watch.ts'
import { send } from '../chain/payer.ts'
import { nextTime, withdraw } from '../settlement/channels/harness.ts'
import { newReceiver, openChannel, type ReceiverSetup } from '../settlement/harness.ts'

/** The facts of a deployment with channels. */
function factsOf(
  { settings, relayer, chain }: ReceiverSetup,
  more: Partial<AlertSettings> = {},
  now = Date.now(),
) {
  const channels = {
    chains: [chain],
    accounts: settings.accounts,
    relayer: relayer.address,
    maxUnclaimed: 100n,
  }
  const of = { book: env.BOOK, webhooks: [], problems: () => [], publicUrl: '', channels, ...more }
  return readFacts(of, NO_ALERTS, now)
}

beforeEach(async () => {
  await env.BOOK.prepare('DELETE FROM run').run()
})

describe('readFacts', () => {
  it('has a withdrawal that the watch could not claim in full, and none that it could [F1]', async () => {
    const setup = await newReceiver()
    const [paid, short] = [await openChannel(setup), await openChannel(setup, 3_000_000n)]
    await paid.charge(300n)
    await short.charge(900_000n)
    await withdraw(paid, setup.chain.escrow, 1_000n)
    await withdraw(short, setup.chain.escrow, 3_000_000n)
    await send(setup.relayer.address, setup.chain.escrow, encodeRefund(short.config, 2_500_000n))
    await watch(setup.settings, nextTime())
    const { withdrawals, watches } = await factsOf(setup)
    expect(withdrawals).toEqual([{ channel: short.id, unclaimed: 400_000n }])
    expect(watches).toMatchObject([{ network: setup.chain.network, hasChannels: true }])
  })

  it('has the gas money of the relayer, and what the dearest of the last runs cost', async () => {
    const setup = await newReceiver()
    const save = (id: string, startedAt: number, ...wei: (string | null)[]) =>
      saveRun(env.BOOK, {
        ...{ id, kind: 'settlement', status: 'settled', startedAt, endedAt: startedAt },
        record: { transactions: { count: wei.length, list: wei.map((one) => ({ wei: one })) } },
      })
    const dear = 10n ** 18n
    await save('settle-1', 1, `${dear}`, `${dear}`, null)
    await save('settle-2', 2, '5')
    const { relayers } = await factsOf(setup)
    expect(relayers).toMatchObject([{ address: setup.relayer.address, runCost: 2n * dear }])
    expect(relayers?.[0]?.balance).toBeGreaterThan(0n)
  })

  it('has the watch, the node and the gas money of each network, and only its own costs', async () => {
    const setup = await newReceiver()
    const { chain, relayer, settings } = setup
    const other = { ...chain, network: 'eip155:8453' as const }
    await saveRun(env.BOOK, {
      ...{ id: 'settle-1', kind: 'settlement', status: 'settled', startedAt: 1, endedAt: 1 },
      record: {
        transactions: {
          count: 2,
          list: [
            { wei: `${10n ** 18n}`, network: chain.network },
            { wei: `${10n ** 19n}`, network: other.network },
          ],
        },
      },
    })
    const channels = {
      ...{ chains: [chain, other], accounts: settings.accounts },
      ...{ relayer: relayer.address, maxUnclaimed: 100n },
    }
    const { relayers, watches, nodes } = await factsOf(setup, { channels })
    expect(relayers?.map(({ network, runCost }) => [network, runCost])).toEqual([
      [chain.network, 10n ** 18n],
      [other.network, 10n ** 19n],
    ])
    for (const facts of [watches, nodes])
      expect(facts?.map(({ network }) => network)).toEqual([chain.network, other.network])
  })

  it('has the findings of the last complete run, and of no earlier one', async () => {
    const save = (id: string, startedAt: number, status: 'settled' | 'failed', account: string) =>
      saveRun(env.BOOK, {
        ...{ id, kind: 'settlement', status, startedAt, endedAt: startedAt },
        record: { findings: { count: 1, list: [{ account, what: 'uncovered', detail: '1 of 2' }] } },
      })
    await save('settle-1', 1, 'settled', '0x1')
    await save('settle-2', 2, 'settled', '0x2')
    await save('settle-3', 3, 'failed', '0x3')
    const { runs, findings } = await factsOf(await newReceiver(), { runKinds: ['settlement'] })
    expect(runs).toMatchObject([{ kind: 'settlement', last: { id: 'settle-3' }, settledAt: 2 }])
    expect(findings).toEqual([{ account: '0x2', what: 'uncovered', detail: '1 of 2', run: 'settle-2' }])
  })

  it('has the requests of sites in this hour, in the one before, and in that one a day earlier', async () => {
    const hour = Math.floor(Date.now() / HOUR_MS)
    const from = (back: number) => (hour - back) * HOUR_MS
    const count = trafficIn(env.BOOK)
    const kind = { site: 'a.example', who: '', rule: '', asked: 0 } as const
    for (const back of [0, 1, 2, 25]) {
      const paid = [
        {
          hour: hour - back,
          site: 'a.example',
          rule: '',
          who: '',
          path: '/',
          charges: 3,
          releases: 0,
          charged: 9n,
        },
      ]
      await addReport(
        env.BOOK,
        { kind: 'credit', account: `acme-${back}`, from: 0, to: 1, figures: paid, receipts: [], charged: 9n },
        1,
      )
      await count([{ ...kind, outcome: 'unpaid', status: '4xx', requests: 10 + back }], from(back))
      await count([{ ...kind, outcome: 'free', status: '5xx', requests: 1 }], from(back))
    }
    const charts = { book: chartMoney(env.BOOK), traffic: chartTraffic(env.BOOK) }
    const { paid, traffic } = await factsOf(await newReceiver(), { charts })
    const hours = [1, 0, 25].map((back) => ({ site: 'a.example', at: from(back) }))
    // Requests of other tests are counted in the background.
    const ours = <Fact extends { site: string }>(facts: readonly Fact[] = []) =>
      facts.filter(({ site }) => site === kind.site)
    expect(ours(paid)).toEqual(hours.map((at) => ({ ...at, paid: 3 })))
    expect(ours(traffic).map(({ at, unpaid, errors, free }) => [at, unpaid, errors, free])).toEqual(
      [1, 0, 25].map((back) => [from(back), 10 + back, 1, 1]),
    )
    expect(await factsOf(await newReceiver(), { charts: { ...charts, traffic: null } })).not.toHaveProperty(
      'traffic',
    )
  })

  it('has channels near their limit as they report it, once an hour', async () => {
    const setup = await newReceiver()
    const channels = [await openChannel(setup), await openChannel(setup)]
    for (const [at, { id: account }] of channels.entries()) {
      const charged = BigInt(80 + at)
      await addReport(
        env.BOOK,
        { kind: 'channel', account, from: 0, to: 9, figures: [], receipts: [], charged },
        1,
      )
    }
    const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
    const { unclaimed } = await factsOf(setup, {}, hour + 5 * MINUTE_MS - 1)
    expect(unclaimed).toEqual([{ channel: channels[1]?.id, unclaimed: 81n, limit: 100n }])
    expect(await factsOf(setup, {}, hour + 5 * MINUTE_MS)).not.toHaveProperty('unclaimed')
    await env.BOOK.prepare('UPDATE account SET redeemed = ?').bind(padAmount(2n)).run()
    expect((await factsOf(setup, {}, hour)).unclaimed).toEqual([])
  })

  it('asks D1 once for the runs of each kind, whatever is made of them', async () => {
    const asked: string[] = []
    const prepare = (query: string) => {
      if (query.includes('FROM run ')) asked.push(query)
      return env.BOOK.prepare(query)
    }
    const book = { prepare, batch: env.BOOK.batch.bind(env.BOOK) } as D1Database
    await factsOf(await newReceiver(), { book, runKinds: ['settlement', 'billing'] })
    // Settlement runs, billing runs and watches.
    expect(asked).toHaveLength(3)
  })

  it('takes the cost of the next run from the last seven complete ones alone', async () => {
    const setup = await newReceiver()
    const wei = (night: number) => (night === 1 ? 10n ** 20n : 10n ** 19n)
    for (let night = 1; night <= 8; night++) {
      await saveRun(env.BOOK, {
        ...{ id: `settle-${night}`, kind: 'settlement', startedAt: night, endedAt: night },
        status: night % 2 === 0 ? 'settled' : 'in_doubt',
        record: { transactions: { count: 1, list: [{ wei: `${wei(night)}` }] } },
      })
    }
    const { relayers } = await factsOf(setup)
    expect(relayers).toMatchObject([{ runCost: 10n ** 19n }])
  })

  it('leaves out what it cannot read, and names the source in the log', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const setup = await newReceiver()
    const chain = { ...setup.chain, rpcUrl: 'http://127.0.0.1:1' }
    const broken = { prepare: () => expect.fail('D1 is down'), batch: () => expect.fail('D1 is down') }
    const facts = await factsOf(
      { ...setup, chain },
      { book: broken as unknown as D1Database, hasCredit: true },
    )
    expect(Object.keys(facts).sort()).toEqual(
      ['firstAt', 'nodes', 'now', 'receivers', 'runs', 'findings', 'settings', 'webhooks'].sort(),
    )
    expect(facts.nodes).toMatchObject([{ host: '127.0.0.1:1', head: null }])
    expect(warn.mock.calls.join()).toContain('invoices')
    vi.restoreAllMocks()
  })
})

describe('readHeads', () => {
  it('asks each node by itself, and leaves out the head of one that is down', async () => {
    const { chain } = await newReceiver()
    const [well, down] = await readHeads({ ...chain, fallbackUrls: ['http://127.0.0.1:1'] })
    expect(well?.head?.block).toBeGreaterThan(0n)
    expect(Math.abs((well?.head?.time ?? 0) - Date.now())).toBeLessThan(86_400_000 * 365)
    expect(down).toEqual({ host: '127.0.0.1:1', head: null })
  })
})
