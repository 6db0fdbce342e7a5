import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { AlertSettings } from '../../src/alerts/settings.ts'
import { changeAlerts } from '../../src/alerts/store.ts'
import { saveRun } from '../../src/ledger/book/runs.ts'
import { saveWatch } from '../../src/ledger/book/watch.ts'
import { HEALTH_KEPT_MS, healthRoute, MAX_RUN_AGE_MS, MAX_WATCH_AGE_MS } from '../../src/operator/health.ts'
import { chainAt } from '../chain/harness.ts'
import { chainHere } from '../chain/here.ts'
import { newReceiver, openChannel } from '../settlement/harness.ts'
import { newOperator } from './harness.ts'

const NOW = Date.UTC(2027, 0, 2)

const SETTINGS: AlertSettings = { book: env.BOOK, webhooks: [], problems: () => [], publicUrl: '' }

async function ask(change: Partial<AlertSettings>, now = NOW) {
  const response = await healthRoute({ ...SETTINGS, ...change }, () => now).request('/')
  return { status: response.status, body: await response.json() }
}

const WELL = { config: true, book: true, runs: true, watch: true }

describe('GET /healthz', () => {
  it('answers 200 without a token to a deployment that works', async () => {
    const operator = await newOperator()
    const { status, body } = await operator.call('GET', '/healthz', undefined, { authorization: '' })
    expect([status, body]).toEqual([200, { status: 'ok', checks: WELL }])
  })

  it('answers 503 to faulty settings, and names none of them', async () => {
    const problems = () => [{ place: 'RECEIVER', message: 'must be an address', level: 'fault' as const }]
    expect(await ask({ problems })).toEqual({
      status: 503,
      body: { status: 'failing', checks: { ...WELL, config: false } },
    })
  })

  it('answers 503 while D1 does not', async () => {
    const book = {
      prepare: () => {
        throw new Error('D1 is down')
      },
    } as unknown as D1Database
    const { status, body } = await ask({ book })
    expect([status, body]).toMatchObject([503, { checks: { config: true, book: false } }])
  })

  it('answers 503 once no run has begun for 26 hours', async () => {
    const startedAt = NOW - MAX_RUN_AGE_MS
    const run = { id: 'shadow-20261231T220000', kind: 'shadow', status: 'settled', startedAt } as const
    await saveRun(env.BOOK, { ...run, endedAt: startedAt, record: {} })
    expect((await ask({ runKinds: ['shadow'] }, NOW - 1)).status).toBe(200)
    expect(await ask({ runKinds: ['shadow'] })).toMatchObject({
      status: 503,
      body: { checks: { runs: false } },
    })
  })

  it('gives the first run of a new deployment as long', async () => {
    await changeAlerts(env.BOOK, (state) => ({ state: { ...state, firstAt: NOW }, value: null }))
    expect((await ask({ runKinds: ['billing'] }, NOW + MAX_RUN_AGE_MS - 1)).status).toBe(200)
    expect((await ask({ runKinds: ['billing'] }, NOW + MAX_RUN_AGE_MS)).status).toBe(503)
  })

  it('answers 503 once the watch has not read the chain for 15 minutes, while there are channels', async () => {
    const chain = chainAt(chainHere().rpcUrl)
    const channels = {
      chains: [chain],
      accounts: env.ACCOUNT,
      relayer: '0x1111111111111111111111111111111111111111',
      maxUnclaimed: 100_000_000n,
    } as const
    await openChannel(await newReceiver())
    const watch = { block: 1, span: 1, after: '', seenAt: NOW, blind: 0, alerted: false, unclaimed: [] }
    await saveWatch(env.BOOK, chain.network, watch)
    expect((await ask({ channels }, NOW + MAX_WATCH_AGE_MS - 1)).status).toBe(200)
    const late = await ask({ channels }, NOW + MAX_WATCH_AGE_MS)
    expect(late).toMatchObject({ status: 503, body: { checks: { ...WELL, watch: false } } })
  })

  it('reads D1 once in ten seconds, however often it is asked', async () => {
    let reads = 0
    const clock = { now: NOW }
    const problems = () => {
      reads += 1
      return []
    }
    const route = healthRoute({ ...SETTINGS, problems }, () => clock.now)
    for (let at = 0; at < 5; at++) await route.request('/')
    expect(reads).toBe(1)
    clock.now += HEALTH_KEPT_MS
    await route.request('/')
    expect(reads).toBe(2)
  })
})
