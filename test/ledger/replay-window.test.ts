import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/ledger/channel/types.ts'
import { MAX_CHARGES, MAX_DELIVERIES, REPLAY_WINDOW_MS, Replays } from '../../src/ledger/replay-window.ts'
import { NOTHING_SOLD } from '../../src/ledger/sold.ts'

const AT = 1_000_000_000

function entry(rest: Partial<Entry> = {}): Entry {
  const totals = { authorized: 1000n, charged: 1000n, redeemed: 0n, credit: 0n }
  const empty = {
    amount: 1000n,
    ceiling: 5000n,
    signature: null,
    transaction: null,
    of: null,
    ...NOTHING_SOLD,
  }
  const proof = { max: 1000n, request: 'GET /a' }
  return { ...totals, ...empty, ...proof, seq: 1, at: AT, kind: 'charge', id: 'first', ...rest }
}

const PROOF = '1000:GET /a'

function replaysOf(entries: Entry[]) {
  return new Replays(entries, ({ max, request }) => `${max}:${request}`)
}

describe('Replays', () => {
  it('matches only the same resource with the same voucher', () => {
    const replays = replaysOf([entry()])
    expect(replays.match(PROOF, 'again', AT)?.seq).toBe(1)
    expect(replays.match('1000:GET /b', 'again', AT)).toBeUndefined()
    expect(replays.match('1001:GET /a', 'again', AT)).toBeUndefined()
  })

  it('matches nothing once the window is over, to the millisecond [A5]', () => {
    const replays = replaysOf([entry()])
    expect(replays.match(PROOF, 'again', AT + REPLAY_WINDOW_MS - 1)?.seq).toBe(1)
    expect(replays.match(PROOF, 'again', AT + REPLAY_WINDOW_MS)).toBeUndefined()
  })

  it('matches no new delivery after MAX_DELIVERIES, but still matches a known one', () => {
    const replays = replaysOf([entry()])
    for (let i = 1; i < MAX_DELIVERIES; i++) replays.use(1, `delivery ${i}`)
    expect(replays.match(PROOF, 'again', AT)).toBeUndefined()
    expect(replays.match(PROOF, 'first', AT)?.seq).toBe(1)
  })

  it('keeps a charge until its last delivery is dropped', () => {
    const replays = replaysOf([entry()])
    replays.use(1, 'second')
    expect(replays.drop(1, 'second')).toBe('one')
    expect(replays.drop(1, 'second')).toBeNull()
    expect(replays.match(PROOF, 'again', AT)?.seq).toBe(1)
    expect(replays.drop(1, 'first')).toBe('last')
    expect(replays.drop(1, 'first')).toBeNull()
    expect(replays.match(PROOF, 'again', AT)).toBeUndefined()
  })

  it('returns null when an unknown delivery is dropped', () => {
    expect(replaysOf([entry()]).drop(1, 'unknown')).toBeNull()
    expect(replaysOf([]).drop(1, 'first')).toBeNull()
  })

  it('restores the remaining deliveries from the journal', () => {
    const replays = replaysOf([
      entry(),
      entry({ seq: 2, kind: 'replay', id: 'second', of: 1 }),
      entry({ seq: 3, kind: 'release', id: 'first', of: 1 }),
    ])
    expect(replays.drop(1, 'first')).toBeNull()
    expect(replays.drop(1, 'second')).toBe('last')
  })

  it('keeps the newer of two charges of one voucher when the older is dropped', () => {
    const replays = replaysOf([entry(), entry({ seq: 2, at: AT + REPLAY_WINDOW_MS, id: 'later' })])
    expect(replays.match(PROOF, 'again', AT + REPLAY_WINDOW_MS)?.seq).toBe(2)
    expect(replays.drop(1, 'first')).toBe('last')
    expect(replays.match(PROOF, 'again', AT + REPLAY_WINDOW_MS)?.seq).toBe(2)
  })

  it('drops charges older than two windows, or beyond MAX_CHARGES', () => {
    const at = (windows: number) => AT + windows * REPLAY_WINDOW_MS
    const replays = replaysOf([entry(), entry({ seq: 2, at: at(1) }), entry({ seq: 3, at: at(2) })])
    expect([1, 2, 3].filter((seq) => replays.find(seq))).toEqual([2, 3])
    for (let seq = 4; seq < 4 + MAX_CHARGES; seq++) replays.add(entry({ seq, at: at(2) }))
    expect(replays.find(3)).toBeUndefined()
    expect(replays.find(4 + MAX_CHARGES / 2)).toBeDefined()
  })
})
