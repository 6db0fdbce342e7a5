import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { findRun, type RunRecord, saveRun } from '../../src/ledger/book/runs.ts'
import { makeRun, type RunKind } from '../../src/settlement/run.ts'
import { randomHex } from '../chain/harness.ts'
import { recordOf, steps } from './harness.ts'

const HOUR = 3_600_000
const MIDNIGHT = Date.UTC(2026, 10, 21)
const NOTHING = { book: env.BOOK, channels: [], exact: [], bill: null }

/** A run that began for `moment` and never ended. */
async function killed(kind: RunRecord['kind'], moment: number): Promise<string> {
  const id = `${kind}-test-${randomHex(4)}`
  const record = { window: 'test', startedBy: 'cron', moment }
  await saveRun(env.BOOK, { id, kind, status: 'running', startedAt: 1, endedAt: null, record })
  return id
}

async function make(kind: RunKind, moment: number): Promise<string> {
  const id = `${kind}-test-${randomHex(4)}`
  await makeRun(NOTHING, steps(), id, { kind, window: 'test', startedBy: 'cron', moment })
  return id
}

const statusOf = async (id: string) => (await findRun(env.BOOK, id))?.status

describe('Killed run', () => {
  it.each(['settlement', 'billing'] as const)('is abandoned once the next %s run begins', async (kind) => {
    const id = await killed(kind, MIDNIGHT)
    await make(kind, MIDNIGHT + 24 * HOUR)
    expect(await recordOf(id)).toMatchObject({
      status: 'abandoned',
      startedAt: 1,
      endedAt: expect.any(Number),
      record: { moment: MIDNIGHT },
    })
  })

  it('is not abandoned by a run of another kind', async () => {
    const id = await killed('settlement', MIDNIGHT)
    await make('billing', MIDNIGHT + 24 * HOUR)
    expect(await statusOf(id)).toBe('running')
  })

  it('stays running until six hours after its moment, since it may still be at work', async () => {
    const id = await killed('settlement', MIDNIGHT)
    await make('settlement', MIDNIGHT + 6 * HOUR - 1)
    expect(await statusOf(id)).toBe('running')
    await make('settlement', MIDNIGHT + 6 * HOUR)
    expect(await statusOf(id)).toBe('abandoned')
  })

  it('is shown with its own end when it was alive all the same', async () => {
    const id = `settlement-test-${randomHex(4)}`
    const cause = { window: 'test', startedBy: 'cron', moment: MIDNIGHT } as const
    const slow = steps(async (name, work) => {
      if (name === 'end') await make('settlement', MIDNIGHT + 24 * HOUR)
      await work()
    })
    await makeRun(NOTHING, slow, id, cause)
    expect(await statusOf(id)).toBe('settled')
  })
})

describe('Run of an older version', () => {
  it('is abandoned too, judged by the time at which it began', async () => {
    const id = `settle-test-${randomHex(4)}`
    const run = { id, kind: 'settlement', status: 'running', startedAt: MIDNIGHT, endedAt: null } as const
    await saveRun(env.BOOK, { ...run, record: { window: 'test', startedBy: 'operator' } })
    await make('settlement', MIDNIGHT + 24 * HOUR)
    expect(await statusOf(id)).toBe('abandoned')
  })
})
