import { createScheduledController, env, introspectWorkflow, runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { relayerOf } from '../../src/app/schemes.ts'
import { workOf } from '../../src/app/work.ts'
import { readConfig } from '../../src/config/config.ts'
import { windowOf } from '../../src/platform/time.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { addressOf } from '../../src/protocol/evm/secp256k1.ts'
import type { Cause } from '../../src/settlement/run.ts'
import { onCron } from '../../src/settlement/schedule.ts'
import { runKinds, startRuns, statusOf } from '../../src/settlement/workflow.ts'
import worker from '../../src/worker.ts'
import { chainAt, newRelayer, randomHex, rpc } from '../chain/harness.ts'
import { openChannels, received, recordOf, standingOf } from './harness.ts'

/** Channels whose claims the Worker's own relayer may send. */
async function channelsOfTheWorker(count: number) {
  const read = readConfig(env)
  if (!read.ok || !read.config.relayer) throw new Error('RELAYER_KEY must be set')
  const helper = await newRelayer()
  const receiver: Address = randomHex(20)
  const chain = chainAt(helper.lane.url)
  const relayer = { ...helper, address: read.config.relayer.address }
  return { chain, receiver, channels: await openChannels({ chain, receiver, relayer }, count) }
}

/** Without the lists of crawlers' addresses, which a firing fetches from the internet. */
function fire(cron: string, scheduledTime: Date) {
  const { LISTS: _, ...bindings } = env
  return worker.scheduled(createScheduledController({ cron, scheduledTime }), bindings as typeof env)
}

// Files before this one used the Worker's key too, and a run reports transactions that its relayer has not stored.
beforeAll(async () => {
  await rpc('anvil_dropAllTransactions')
  await rpc('anvil_setNonce', addressOf(env.RELAYER_KEY as Hex), '0x0')
})

describe('Nightly cron', () => {
  it('starts one run per window when it fires three times [F3]', async () => {
    const { channels, ...setup } = await channelsOfTheWorker(2)
    for (const channel of channels) await channel.charge(15n)
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((modifier) => modifier.disableSleeps())
    const midnight = new Date(Date.UTC(2026, 10, 21))
    await Promise.all([fire('0 0 * * *', midnight), fire('0 0 * * *', midnight)])
    await fire('0 0 * * *', midnight)
    const instances = await runs.get()
    expect(instances).toHaveLength(1)
    await instances[0]?.waitForStatus('complete')
    const { status, record } = await recordOf('settle-20261121T000000')
    expect(record.findings).toMatchObject({ list: [] })
    expect([status, await instances[0]?.getOutput()]).toEqual(['settled', 'settled'])
    expect(await received(setup)).toBe(30n)
    for (const channel of channels) expect(await standingOf(channel.id)).toMatchObject({ redeemed: 15n })
    expect(record).toMatchObject({ window: '20261121T000000', startedBy: 'cron', claimed: '30', swept: '30' })
  })

  it('moves the money once when runs of two windows overlap [F3]', async () => {
    const { channels, ...setup } = await channelsOfTheWorker(2)
    for (const channel of channels) await channel.charge(15n)
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((modifier) => modifier.disableSleeps())
    await Promise.all([22, 23].map((day) => fire('0 0 * * *', new Date(Date.UTC(2026, 10, day)))))
    const instances = await runs.get()
    expect(instances).toHaveLength(2)
    await Promise.all(instances.map((instance) => instance.waitForStatus('complete')))
    expect(await received(setup)).toBe(30n)
  })

  it('reaches the relayer after it was reset during a run [E3]', async () => {
    const read = readConfig(env)
    const relayer = workOf(env)?.channels[0]?.relayer
    const own = read.ok ? read.config.relayer : undefined
    if (!relayer || !own) throw new Error('RELAYER_KEY must be set')
    const address = await relayer.address()
    const reset = runInDurableObject(relayerOf(env, { id: 'eip155:84532' }, own), (_, state) =>
      state.abort('reset'),
    )
    await reset.catch(() => undefined)
    expect(await relayer.address()).toBe(address)
  })

  it('counts facilitator payments on a site without a chain', () => {
    const { RPC_URL: _, RELAYER_KEY: __, ...bindings } = env
    const terms = { SCHEMES: '["exact"]', FACILITATOR_URL: 'https://facilitator.example' }
    const work = workOf({ ...bindings, ...terms })
    expect(work).toMatchObject({ channels: [], bill: null, exact: [{ chain: null, relayer: null }] })
  })

  it('gives the watch the operator’s webhook, also on a site that does not bill', () => {
    const webhook = {
      WEBHOOK_URL: 'https://hooks.example/tab402',
      WEBHOOK_SECRET: 'a-secret-of-32-characters',
    }
    expect(workOf({ ...env, ...webhook })).toMatchObject({
      bill: null,
      channels: [{ webhook: { url: webhook.WEBHOOK_URL, secret: webhook.WEBHOOK_SECRET } }],
    })
    expect(workOf(env)?.channels[0]?.webhook).toBeNull()
  })

  it('throws for an unknown cron', async () => {
    const work = workOf(env)
    if (!work) throw new Error('the Worker under test must have settlement work')
    const firing = { cron: '1 2 3 4 5', scheduledTime: 0 }
    await expect(onCron(firing, env.SETTLEMENT, work)).rejects.toThrow('the cron trigger must be')
  })

  it('names its window in UTC, to the second', () => {
    expect(windowOf(Date.UTC(2026, 10, 21, 0, 0, 0, 999))).toBe('20261121T000000')
  })
})

describe('startRuns', () => {
  it('starts a settlement run and a billing run once per window, and a record of each [F3]', async () => {
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((modifier) => modifier.disableSleeps())
    const time = Date.UTC(2026, 10, 25)
    const start = () => startRuns(env.SETTLEMENT, ['settlement', 'billing'], time, 'cron')
    const [first, again] = [await start(), await start()]
    const ids = ['settle-20261125T000000', 'bill-20261125T000000']
    expect(first).toEqual(ids.map((id) => ({ id, started: true })))
    expect(again).toEqual(ids.map((id) => ({ id, started: false })))
    const instances = await runs.get()
    expect(instances).toHaveLength(2)
    await Promise.all(instances.map((instance) => instance.waitForStatus('complete')))
    const records = await Promise.all(ids.map(recordOf))
    expect(records[0]?.record.findings).toMatchObject({ list: [] })
    expect(records.map(({ kind, status }) => [kind, status])).toEqual([
      ['settlement', 'settled'],
      ['billing', 'settled'],
    ])
  })

  it('rejects with the engine’s error, after it has started the other run', async () => {
    const started: string[] = []
    const broken = {
      create: async ({ id }: { id: string }) => {
        if (id.startsWith('settle')) throw new Error('the engine is down')
        started.push(id)
      },
      get: () => Promise.reject(new Error('instance.not_found')),
    } as unknown as Workflow<Cause>
    const kinds = ['settlement', 'billing'] as const
    await expect(startRuns(broken, kinds, 0, 'cron')).rejects.toThrow('the engine is down')
    expect(started).toEqual(['bill-19700101T000000'])
  })

  it('starts a run for each kind of work that is configured', () => {
    const none = { channels: [], exact: [], bill: null }
    const scope = { network: 'eip155:84532', others: [] }
    const payers = { scope, book: env.BOOK, authorizations: env.AUTHORIZATIONS, chain: null, relayer: null }
    const bill = () => Promise.reject(new Error('not opened'))
    expect(runKinds(none)).toEqual([])
    expect(runKinds({ ...none, exact: [payers] })).toEqual(['settlement'])
    expect(runKinds({ ...none, bill })).toEqual(['billing'])
    expect(runKinds({ ...none, exact: [payers], bill })).toEqual(['settlement', 'billing'])
  })
})

describe('statusOf', () => {
  it('returns null for an unknown run', async () => {
    expect(await statusOf(env.SETTLEMENT, 'settle-20000101T000000')).toBeNull()
  })
})
