import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { type Counted, Tally, type TallyPorts, type TallySettings } from '../../src/paywall/tally.ts'
import { runs } from '../runs.ts'

type Kind = { path: string; crawler: string }
type Figure = Counted<Kind>

const MAX_KINDS = 50

const seen = (path: string, crawler = 'GPTBot'): Kind => ({ path, crawler })

/** A tally whose counts are stored when `end` is called. `clock`: Unix milliseconds. */
function openTally(store?: TallyPorts<Kind>['store'], settings: Partial<TallySettings<Kind>> = {}) {
  const stored: Figure[][] = []
  const clock = { now: 0 }
  const endings: Promise<void>[] = []
  const waits: (() => void)[] = []
  const tally = new Tally<Kind>(
    {
      ...{ name: 'test', waitMs: 1_000, maxKinds: MAX_KINDS, maxParts: Number.POSITIVE_INFINITY },
      join: (kind) => ({ ...kind, path: '*' }),
      keyOf: ({ path, crawler }) => `${path} ${crawler}`,
      ...settings,
    },
    {
      store: store ?? (async (figures) => void stored.push(figures)),
      defer: (ending) => endings.push(ending),
      wait: () => new Promise((resolve) => waits.push(resolve)),
      now: () => clock.now,
    },
  )
  const end = async () => {
    for (const wait of waits.splice(0)) wait()
    await Promise.all(endings)
  }
  return { tally, stored, endings, end, clock }
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
    expect(stored).toEqual([[{ ...seen('/a'), requests: 3, pages: 2, asked: 4_000 }]])
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

  it('joins kinds beyond its limit until the next wait', async () => {
    const { tally, stored, end } = openTally()
    for (let count = 0; count < MAX_KINDS; count++) tally.count(seen(`/${count}`), 1n)
    for (const path of ['/more', '/most', '/0']) tally.count(seen(path), 1n)
    await end()
    expect(stored.flat().slice(MAX_KINDS)).toEqual([{ ...seen('*'), requests: 2, pages: 2, asked: 2 }])
    tally.count(seen('/more'), 1n)
    await end()
    expect(stored.at(-1)).toMatchObject([seen('/more')])
  })

  it('hands on a full part at once, and the rest after the wait', async () => {
    const { tally, stored, endings, end } = openTally(undefined, { maxParts: 2 })
    for (const path of ['/a', '/a', '/b']) tally.count(seen(path), 1n)
    expect(stored.map((figures) => figures.length)).toEqual([2])
    tally.count(seen('/c'), 1n)
    await end()
    expect([stored.length, endings.length]).toEqual([2, 2])
  })

  it('waits anew where the invocation that waited has ended', async () => {
    const { tally, endings, clock } = openTally()
    tally.count(seen('/a'), 1n)
    clock.now = 1_999
    tally.count(seen('/a'), 1n)
    expect(endings).toHaveLength(1)
    clock.now = 2_000
    tally.count(seen('/a'), 1n)
    expect(endings).toHaveLength(2)
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
