import { env } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { QUIET_MS, REPEAT_MS } from '../../src/alerts/fold.ts'
import { FIRST_PAUSE_MS, UNANSWERED_MS } from '../../src/alerts/outbox.ts'
import { raiseAlerts } from '../../src/alerts/raise.ts'
import type { AlertSettings } from '../../src/alerts/settings.ts'
import { alertsOf } from '../../src/app/alerts.ts'
import { saveRun } from '../../src/ledger/book/runs.ts'
import { DAY_MS, HOUR_MS, windowOf } from '../../src/platform/time.ts'
import { makeRun } from '../../src/settlement/run.ts'
import { steps } from '../settlement/harness.ts'
import { newBox, newDeployment } from './harness.ts'

const NOW = Date.now()
const FIRST = `alert-${windowOf(NOW)}-1`

/** A deployment that has a failed run, and whose alerts are found at chosen times. */
async function withFailedRun(vars: Record<string, unknown> = {}) {
  const box = newBox()
  const deployment = await newDeployment({ WEBHOOK_URL: box.url, ...vars })
  const { channels: _, ...settings } = alertsOf(deployment.bindings)
  const run = { id: 'settle-20261127T000000', kind: 'settlement' as const, startedAt: NOW, endedAt: NOW }
  const save = (status: 'failed' | 'settled') =>
    saveRun(env.BOOK, { ...run, status, record: status === 'failed' ? { fault: 'the node is gone' } : {} })
  await save('failed')
  const pass = (after: number, more: Partial<AlertSettings> = {}) =>
    raiseAlerts({ ...settings, problems: () => [], ...more }, NOW + after)
  return { ...deployment, box, save, pass }
}

beforeEach(async () => {
  await env.BOOK.batch(
    ['alert', 'run', 'watch', 'account'].map((name) => env.BOOK.prepare(`DELETE FROM ${name}`)),
  )
})
afterEach(() => void vi.restoreAllMocks())

describe('An alert', () => {
  it('reaches the webhook once, signed, when a run has failed', async () => {
    const { box, pass } = await withFailedRun()
    expect(await pass(0)).toBe(1)
    expect(await pass(HOUR_MS)).toBe(0)
    expect(await box.events()).toEqual([
      {
        status: 200,
        id: `${FIRST}/1`,
        type: 'alert.opened',
        at: NOW,
        alert: FIRST,
        kind: 'run_failed',
        severity: 'critical',
        opened: NOW,
        subject: 'settlement',
        figure: 'failed: the node is gone',
        link: '/_tab402/api/runs/settle-20261127T000000',
      },
    ])
  })

  it('says once that a deploy has changed the receiver of the vars, and for a day that it was', async () => {
    const { box, save, pass, alerts } = await withFailedRun()
    await save('settled')
    const [old, fresh] = [`0x${'a'.repeat(40)}`, `0x${'b'.repeat(40)}`] as const
    const open = async () =>
      (await alerts()).filter((one) => one.kind === 'receiver_changed' && one.resolved === null)
    await pass(0, { receiver: old })
    expect(await open()).toEqual([])
    await Promise.all([pass(HOUR_MS, { receiver: fresh }), pass(HOUR_MS + 1, { receiver: fresh })])
    await pass(2 * HOUR_MS, { receiver: fresh })
    expect(await box.events()).toMatchObject([
      { kind: 'receiver_changed', severity: 'info', figure: `from ${old} to ${fresh}, by a deploy` },
    ])
    expect(await open()).toHaveLength(1)
    await pass(3 * HOUR_MS, { receiver: old })
    expect(await box.events()).toHaveLength(2)
    await pass(4 * HOUR_MS + DAY_MS, { receiver: old })
    expect(await open()).toEqual([])
  })

  it('is sent again a day later, and resolved after a run that was settled', async () => {
    const { box, save, pass, alerts } = await withFailedRun()
    await pass(0)
    await pass(REPEAT_MS)
    await save('settled')
    await pass(REPEAT_MS + QUIET_MS)
    const events = await box.events()
    expect(events.map(({ type }) => type)).toEqual(['alert.opened', 'alert.repeated', 'alert.resolved'])
    expect(await alerts()).toMatchObject([{ kind: 'run_failed', resolved: NOW + REPEAT_MS + QUIET_MS }])
  })

  it('is sent with the same id until the webhook accepts it', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const { box, pass, alerts } = await withFailedRun()
    await box.answer(500)
    expect(await pass(0)).toBe(0)
    expect(await alerts()).toMatchObject([{ waiting: [{ attempts: 1, dueAt: NOW + FIRST_PAUSE_MS }] }])
    await pass(FIRST_PAUSE_MS - 1)
    await pass(FIRST_PAUSE_MS)
    await box.answer(200)
    expect(await pass(3 * FIRST_PAUSE_MS)).toBe(1)
    const events = await box.events()
    expect(events.map(({ status, id }) => [status, id])).toEqual([
      [500, `${FIRST}/1`],
      [500, `${FIRST}/1`],
      [200, `${FIRST}/1`],
    ])
    expect(await alerts()).toMatchObject([{ waiting: [] }])
  })

  it('reaches each of several webhooks, and one that is down delays no other', async () => {
    const second = newBox()
    await second.answer(503)
    const { box, pass, alerts } = await withFailedRun()
    const webhooks = [box, second].map(({ url }) => ({
      url,
      secret: 'a-secret-that-signs-webhooks',
      now: Date.now,
    }))
    expect(await pass(0, { webhooks })).toBe(1)
    expect(await box.events()).toHaveLength(1)
    expect(await alerts()).toMatchObject([{ waiting: [{ type: 'alert.opened', attempts: 1 }] }])
    await second.answer(200)
    expect(await pass(FIRST_PAUSE_MS, { webhooks })).toBe(1)
    expect(await second.events()).toMatchObject([{ status: 503 }, { status: 200 }])
    expect(await box.events()).toHaveLength(1)
  })

  it('has Slack’s form for Slack, and a stranger’s words mention no one', async () => {
    const { box, pass } = await withFailedRun({ WEBHOOK_FORMAT: 'slack' })
    await saveRun(env.BOOK, {
      ...{
        id: 'settle-20261127T110000',
        kind: 'settlement',
        status: 'failed',
        startedAt: NOW + 1,
        endedAt: NOW,
      },
      record: { fault: '<!channel> & more' },
    })
    await pass(0)
    const text =
      '[critical] run_failed opened: settlement: failed: &lt;!channel&gt; &amp; more\n' +
      '/_tab402/api/runs/settle-20261127T110000'
    expect(await box.events()).toEqual([{ status: 200, text }])
  })

  it('is sent once when two passes meet', async () => {
    const { box, pass } = await withFailedRun()
    const accepted = await Promise.all([pass(0), pass(0), pass(1)])
    expect(accepted.reduce((sum, count) => sum + count, 0)).toBe(1)
    expect(await box.events()).toHaveLength(1)
  })

  it('is opened for a webhook that has accepted nothing for a day', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const { box, pass, call } = await withFailedRun()
    await box.answer(500)
    await pass(0)
    await pass(UNANSWERED_MS)
    const { body } = await call('GET', '/alerts')
    expect(body.webhooks).toMatchObject([
      { host: new URL(box.url).host, acceptedAt: null, failingSince: NOW },
    ])
    expect((body.alerts as { kind: string }[]).map(({ kind }) => kind)).toContain('webhook_unanswered')
    expect(JSON.stringify(body)).not.toContain(new URL(box.url).pathname.slice(1))
  })

  it('is opened and listed without any webhook', async () => {
    const { pass, alerts } = await withFailedRun()
    expect(await pass(0, { webhooks: [] })).toBe(0)
    expect(await alerts()).toMatchObject([{ kind: 'run_failed', waiting: [] }])
  })
})

describe('The operator', () => {
  it('mutes one alert for some hours', async () => {
    const { box, pass, call, alerts } = await withFailedRun()
    await pass(0)
    const [{ id } = { id: '' }] = await alerts()
    const muted = await call('POST', `/alerts/${id}/mute`, { hours: 25 })
    const until = Number(muted.body.mutedUntil)
    expect([muted.status, muted.body.id]).toEqual([200, id])
    expect(until - Date.now()).toBeLessThanOrEqual(25 * HOUR_MS)
    await pass(REPEAT_MS)
    expect(await box.events()).toHaveLength(1)
    await pass(until - NOW)
    expect(await box.events()).toHaveLength(2)
  })

  it('gets 404 for an alert that is not open, and 400 for hours out of range', async () => {
    const { call } = await withFailedRun()
    expect((await call('POST', '/alerts/alert-x/mute', { hours: 1 })).status).toBe(404)
    expect((await call('POST', '/alerts/alert-x/mute', { hours: 721 })).status).toBe(400)
    expect((await call('POST', '/alerts/alert-x/mute', { hours: 0.5 })).status).toBe(400)
  })

  it('tests every webhook, and sees which has accepted it', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const [good, bad] = [newBox(), newBox()]
    await bad.answer(404)
    const { call, alerts } = await newDeployment({ WEBHOOK_URL: `${good.url},${bad.url}` })
    const { status, body } = await call('POST', '/alerts/test')
    expect([status, body.webhooks]).toMatchObject([200, [{ isAccepted: true }, { isAccepted: false }]])
    expect(await good.events()).toMatchObject([{ type: 'alert.test', severity: 'info', subject: 'test' }])
    expect(await alerts()).toEqual([])
  })
})

describe('The end of a run', () => {
  it('alerts of the run when it has failed', async () => {
    const { box, pass } = await withFailedRun()
    await env.BOOK.prepare('DELETE FROM run').run()
    const bill = () => Promise.reject(new Error('no seller'))
    const alert = async () => void (await pass(0, { runKinds: ['billing'] }))
    const work = { book: env.BOOK, channels: [], exact: [], bill, alert }
    const cause = { kind: 'billing', window: '20261127T000000', startedBy: 'cron', moment: NOW } as const
    await expect(makeRun(work, steps(), 'bill-20261127T000000', cause)).rejects.toThrow('no seller')
    expect(await box.events()).toMatchObject([
      { kind: 'run_failed', subject: 'billing', figure: 'failed: Error: no seller' },
    ])
  })
})

describe('The end of a clean run', () => {
  it('leaves alerts to the next watch', async () => {
    const alert = vi.fn(async () => undefined)
    const work = { book: env.BOOK, channels: [], exact: [], bill: null, shadow: true, alert }
    const cause = { kind: 'shadow', window: '20261127T000000', startedBy: 'cron', moment: NOW } as const
    expect(await makeRun(work, steps(), 'shadow-20261127T000000', cause)).toBe('settled')
    expect(alert).not.toHaveBeenCalled()
  })
})

describe('The cron of the watch', () => {
  it('alerts of settings with which the Worker serves nothing', async () => {
    const box = newBox()
    const { watch } = await newDeployment({ WEBHOOK_URL: box.url, PRICE: 'free' })
    await expect(watch()).rejects.toThrow('PRICE')
    expect(await box.events()).toMatchObject([
      {
        kind: 'misconfigured',
        severity: 'critical',
        subject: 'PRICE',
        figure: expect.stringContaining('must be'),
      },
    ])
  })

  it('alerts of a contract that ends soon, and of nothing else on a healthy deployment', async () => {
    const box = newBox()
    const until = new Date(Date.now() + 3 * REPEAT_MS).toISOString().slice(0, 10)
    const CONTRACTS = JSON.stringify({ GPTBot: { price: '0.001', until } })
    const { watch } = await newDeployment({
      WEBHOOK_URL: box.url,
      CONTRACTS,
      PRICE: '0.01',
      MIN_CLAIM: '0.01',
    })
    await watch()
    const events = await box.events()
    expect(events.map(({ kind, subject }) => [kind, subject])).toEqual([
      ['contract_ends', 'CONTRACTS.gptbot'],
    ])
  })
})
