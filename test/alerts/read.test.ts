import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { NO_ALERTS } from '../../src/alerts/alert.ts'
import { readFacts } from '../../src/alerts/read.ts'
import type { AlertSettings } from '../../src/alerts/settings.ts'
import { encodeRefund } from '../../src/chain/escrow.ts'
import { readHeads } from '../../src/chain/heads.ts'
import { saveRun } from '../../src/ledger/book/runs.ts'
import { watch } from '../../src/settlement/channels/withdrawal-watch.ts'
import { send } from '../chain/payer.ts'
import { nextTime, withdraw } from '../settlement/channels/harness.ts'
import { newReceiver, openChannel, type ReceiverSetup } from '../settlement/harness.ts'

const NOW = Date.now()

/** The facts of a deployment with channels. */
function factsOf({ settings, relayer, chain }: ReceiverSetup, more: Partial<AlertSettings> = {}) {
  const channels = { chain, accounts: settings.accounts, relayer: relayer.address }
  const of = { book: env.BOOK, webhooks: [], problems: () => [], publicUrl: '', channels, ...more }
  return readFacts(of, NO_ALERTS, Date.now())
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
      ['firstAt', 'nodes', 'now', 'runs', 'findings', 'settings', 'webhooks'].sort(),
    )
    expect(facts.nodes).toMatchObject([{ host: '127.0.0.1:1', head: null }])
    expect(warn.mock.calls.join()).toContain('invoices')
    vi.restoreAllMocks()
  })
})

describe('readHeads', () => {
  it('asks each node by itself, and one that is down has no head', async () => {
    const { chain } = await newReceiver()
    const [well, down] = await readHeads({ ...chain, fallbackUrls: ['http://127.0.0.1:1'] })
    expect(well?.head?.block).toBeGreaterThan(0n)
    expect(Math.abs((well?.head?.time ?? 0) - NOW)).toBeLessThan(86_400_000 * 365)
    expect(down).toEqual({ host: '127.0.0.1:1', head: null })
  })
})
