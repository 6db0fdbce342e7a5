import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LONGEST } from '../../../src/identity/verify.ts'
import { Used } from '../../../src/ledger/credit/nonce-window.ts'
import { REPLAY_WINDOW_MS } from '../../../src/ledger/replay-window.ts'

describe('what was used [C3]', () => {
  it('is known until its window is over, by its last use', () => {
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

  it('is forgotten some time after, so that memory does not grow', () => {
    const used = new Used()
    for (const [seq, once] of ['a', 'b', 'c'].entries())
      used.note(once, { seq, attempt: 0 }, seq * REPLAY_WINDOW_MS + 1)
    expect([used.find('a'), used.find('c')]).toEqual([undefined, { seq: 2, attempt: 0 }])
  })

  it('is known for minutes after the last moment at which its signature is taken', () => {
    expect(REPLAY_WINDOW_MS).toBeGreaterThanOrEqual((LONGEST + 240) * 1000)
  })
})
