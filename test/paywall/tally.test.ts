import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Figure } from '../../src/ledger/book/shadow.ts'
import { MAX_KINDS, type ShadowSeen, Tally, type TallyPorts } from '../../src/paywall/tally.ts'
import { runs } from '../runs.ts'

const seen = (path: string, crawler = 'GPTBot', isKnown = true): ShadowSeen => ({
  ...{ crawler, class: 'training', rule: 'default', action: 'charge', path, isKnown },
})

/** A tally whose counts are stored when `end` is called. */
function openTally(store?: TallyPorts['store']) {
  const stored: Figure[][] = []
  const endings: Promise<void>[] = []
  const waits: (() => void)[] = []
  const tally = new Tally({
    store: store ?? (async (figures) => void stored.push(figures)),
    defer: (ending) => endings.push(ending),
    wait: () => new Promise((resolve) => waits.push(resolve)),
    now: () => 0,
  })
  const end = async () => {
    for (const wait of waits.splice(0)) wait()
    await Promise.all(endings)
  }
  return { tally, stored, endings, end }
}

const sum = (figures: readonly Figure[], of: (figure: Figure) => number) =>
  figures.reduce((total, figure) => total + of(figure), 0)

describe('Tally', () => {
  it('stores requests of one kind as one figure', async () => {
    const { tally, stored, end } = openTally()
    tally.count(seen('/a'), 2_000n)
    tally.count(seen('/a'), 2_000n)
    tally.count(seen('/a'), 0n)
    await end()
    const { isKnown: _, ...kind } = seen('/a')
    expect(stored).toEqual([[{ ...kind, requests: 3, pages: 2, asked: 4_000 }]])
  })

  it('waits once for all requests that arrive meanwhile', async () => {
    const { tally, stored, endings, end } = openTally()
    for (let count = 0; count < 5; count++) tally.count(seen(`/${count}`), 1n)
    expect(endings).toHaveLength(1)
    await end()
    tally.count(seen('/later'), 1n)
    expect(endings).toHaveLength(2)
    await end()
    expect(stored.map((figures) => figures.length)).toEqual([5, 1])
  })

  it('loses no request and no amount, however many kinds there are', async () => {
    const requests = fc.array(fc.tuple(fc.nat(30), fc.nat(5), fc.nat(9)), { maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(requests, async (asked) => {
        const { tally, stored, end } = openTally()
        for (const [path, name, price] of asked) tally.count(seen(`/${path}`, `bot${name}`), BigInt(price))
        await end()
        const figures = stored.flat()
        expect(sum(figures, ({ requests }) => requests)).toBe(asked.length)
        expect(sum(figures, (figure) => figure.asked)).toBe(
          asked.reduce((total, [, , price]) => total + price, 0),
        )
      }),
      { numRuns: runs(50) },
    )
  })

  it('joins paths and unlisted names beyond its limit, and keeps the names of our table', async () => {
    const { tally, stored, end } = openTally()
    for (let count = 0; count < MAX_KINDS; count++) tally.count(seen(`/${count}`), 1n)
    tally.count(seen('/more'), 1n)
    tally.count(seen('/more', 'MadeUp1', false), 1n)
    tally.count(seen('/more', 'MadeUp2', false), 1n)
    await end()
    const joined = stored.flat().slice(MAX_KINDS)
    expect(joined.map(({ crawler, path, requests }) => [crawler, path, requests])).toEqual([
      ['GPTBot', '*', 1],
      ['others', '*', 2],
    ])
  })

  it('logs the number of requests that could not be stored, and counts on', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const { tally, endings, end } = openTally(() => Promise.reject(new Error('D1 is down')))
    tally.count(seen('/a'), 1n)
    tally.count(seen('/b'), 1n)
    await end()
    expect(warn.mock.calls.flat().join()).toContain('"requests":2')
    tally.count(seen('/c'), 1n)
    expect(endings).toHaveLength(2)
    await end()
    vi.restoreAllMocks()
  })
})
