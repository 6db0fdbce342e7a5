import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { NewAct } from '../../src/ledger/act.ts'
import { REGISTRY } from '../../src/ledger/credit/agent.ts'
import { randomHex } from '../chain/harness.ts'

/** More than one call copies. */
const OLD_ACTS = 501

const act = (what: string): NewAct => ({ who: 'token 1', what, subject: 'x', before: null, after: '{}' })
/** Each test has a log that has copied nothing yet. */
const newLog = () => env.AUDIT.getByName(randomHex(8))

describe('Audit', () => {
  it('takes over the log of an earlier version in its order, and continues behind it', async () => {
    const registry = env.AGENTS.getByName(REGISTRY)
    await Promise.all(Array.from({ length: OLD_ACTS }, (_, n) => registry.note(act(`old-${n}`))))
    const old = await registry.acts(0, 2 * OLD_ACTS)
    const log = newLog()
    await log.note(act('run.start'))
    const acts = await log.acts(0, 2 * OLD_ACTS)
    expect(acts.slice(0, -1)).toEqual(old)
    expect(acts.at(-1)).toMatchObject({ seq: old.length + 1, what: 'run.start' })
  })

  it('places an act that a registry stored itself once, behind the acts before it', async () => {
    const log = newLog()
    await log.note(act('one'))
    await env.AGENTS.getByName(REGISTRY).note(act('two'))
    await Promise.all([log.note(act('three')), log.acts(0, 1), log.acts(0, 1)])
    const acts = await log.acts(0, 1_000)
    expect(acts.slice(-3).map(({ what }) => what)).toEqual(['one', 'two', 'three'])
  })
})
