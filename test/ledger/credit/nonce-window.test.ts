import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LONGEST } from '../../../src/identity/verify.ts'
import { Used } from '../../../src/ledger/credit/nonce-window.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'

describe('Used', () => {
  it('finds a nonce until the replay window after its last use is over [C3]', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat({ max: REPLAY_WINDOW_MS })))
    fc.assert(
      fc.property(steps, (uses) => {
        const used = new Used()
        const last = new Map<string, { seq: number; at: number }>()
        let at = 0
        for (const [seq, [once, later]] of uses.entries()) {
          at += later
          used.note(once, { seq, attempt: 0 }, at)
          last.set(once, { seq, at })
          for (const [name, known] of last)
            if (known.at > at - REPLAY_WINDOW_MS)
              expect(used.find(name)).toEqual({ seq: known.seq, attempt: 0 })
        }
      }),
    )
  })

  it('drops nonces after two windows, so that memory does not grow [C3]', () => {
    const used = new Used()
    for (const [seq, once] of ['a', 'b', 'c'].entries())
      used.note(once, { seq, attempt: 0 }, seq * REPLAY_WINDOW_MS + 1)
    expect([used.find('a'), used.find('c')]).toEqual([undefined, { seq: 2, attempt: 0 }])
  })

  it('keeps a nonce at least four minutes longer than its signature can be valid [C3]', () => {
    expect(REPLAY_WINDOW_MS).toBeGreaterThanOrEqual((LONGEST + 240) * 1000)
  })
})
