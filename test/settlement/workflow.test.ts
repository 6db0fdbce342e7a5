import { createScheduledController, env, introspectWorkflow, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { relayerOf } from '../../src/app/schemes.ts'
import { workOf } from '../../src/app/work.ts'
import { readConfig } from '../../src/config/config.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { onCron } from '../../src/settlement/schedule.ts'
import { startRun, statusOf, windowOf } from '../../src/settlement/workflow.ts'
import worker from '../../src/worker.ts'
import { chainAt, newRelayer, randomHex } from '../chain/harness.ts'
import { openTabs, received, recordOf, standingOf } from './harness.ts'

/** Tabs whose claims the Worker's own relayer may send. */
async function tabsOfTheWorker(count: number) {
  const read = readConfig(env)
  if (!read.ok || !read.config.relayer) throw new Error('the Worker under test has no relayer')
  const helper = await newRelayer()
  const receiver: Address = randomHex(20)
  const chain = chainAt(helper.lane.url)
  const relayer = { ...helper, address: read.config.relayer.address }
  return { chain, receiver, tabs: await openTabs({ chain, receiver, relayer }, count) }
}

function fire(cron: string, scheduledTime: Date) {
  return worker.scheduled(createScheduledController({ cron, scheduledTime }), env)
}

describe('the nightly cron', () => {
  it('runs once for its window, however often it fires [F3]', async () => {
    const { tabs, ...night } = await tabsOfTheWorker(2)
    for (const tab of tabs) await tab.charge(15n)
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((modifier) => modifier.disableSleeps())
    const midnight = new Date(Date.UTC(2026, 10, 21))
    await Promise.all([fire('0 0 * * *', midnight), fire('0 0 * * *', midnight)])
    await fire('0 0 * * *', midnight)
    const instances = await runs.get()
    expect(instances).toHaveLength(1)
    await instances[0]?.waitForStatus('complete')
    expect(await instances[0]?.getOutput()).toBe('settled')
    expect(await received(night)).toBe(30n)
    for (const tab of tabs) expect(await standingOf(tab.id)).toMatchObject({ redeemed: 15n })
    const { status, record } = await recordOf('settle-20261121T000000')
    expect(status).toBe('settled')
    expect(record).toMatchObject({ window: '20261121T000000', startedBy: 'cron', claimed: '30', swept: '30' })
  })

  it('overlapping runs of two windows move the money once [F3]', async () => {
    const { tabs, ...night } = await tabsOfTheWorker(2)
    for (const tab of tabs) await tab.charge(15n)
    await using runs = await introspectWorkflow(env.SETTLEMENT)
    await runs.modifyAll((modifier) => modifier.disableSleeps())
    await Promise.all([22, 23].map((day) => fire('0 0 * * *', new Date(Date.UTC(2026, 10, day)))))
    const instances = await runs.get()
    expect(instances).toHaveLength(2)
    await Promise.all(instances.map((instance) => instance.waitForStatus('complete')))
    expect(await received(night)).toBe(30n)
  })

  it('reaches the relayer also after it was reset in the middle of a run [E3]', async () => {
    const read = readConfig(env)
    const relayer = workOf(env)?.channels?.relayer
    if (!read.ok || !relayer) throw new Error('the Worker under test has no relayer')
    const address = await relayer.address()
    const dies = runInDurableObject(relayerOf(env, read.config), (_, state) => state.abort('reset'))
    await dies.catch(() => undefined)
    expect(await relayer.address()).toBe(address)
  })

  it('counts what a facilitator settles, where that is all there is', () => {
    const { RPC_URL: _, RELAYER_KEY: __, ...bindings } = env
    const terms = { SCHEMES: '["exact"]', FACILITATOR_URL: 'https://facilitator.example' }
    const work = workOf({ ...bindings, ...terms })
    expect(work).toMatchObject({ channels: null, bill: null, exact: { chain: null, relayer: null } })
  })

  it('throws for a cron that nothing is known of', async () => {
    const work = workOf(env)
    if (!work) throw new Error('the Worker under test settles nothing')
    const firing = { cron: '1 2 3 4 5', scheduledTime: 0 }
    await expect(onCron(firing, env.SETTLEMENT, work)).rejects.toThrow('the cron trigger must be')
  })

  it('names a window by the second, in UTC', () => {
    expect(windowOf(Date.UTC(2026, 10, 21, 0, 0, 0, 999))).toBe('20261121T000000')
  })
})

describe('starting a run', () => {
  it('passes on what the engine throws when there is no such run', async () => {
    const broken = {
      create: () => Promise.reject(new Error('the engine is down')),
      get: () => Promise.reject(new Error('instance.not_found')),
    } as unknown as Workflow
    await expect(startRun(broken, 0, 'cron')).rejects.toThrow('the engine is down')
  })

  it('knows nothing of a run that never was', async () => {
    expect(await statusOf(env.SETTLEMENT, 'settle-20000101T000000')).toBeNull()
  })
})
