import { describe, expect, it } from 'vitest'
import type { Asker } from '../../src/identity/classify.ts'
import { estimate, newHistory } from '../../src/logs/estimate.ts'
import { Pages } from '../../src/logs/pages.ts'

const DAY = 86_400_000
const PRICE = 2_000n

function asker(claim: 'confirmed' | 'unknown'): Asker {
  return { kind: 'crawler', name: 'GPTBot', class: 'training', claim, reasons: [] }
}

/** The prices of some pages in turn, each a page and the day of its request. */
function prices(
  terms: { freePages?: number; recrawlMs?: number },
  requests: [page: number, day: number | null][],
  { claim = 'confirmed' as 'confirmed' | 'unknown', pages = new Pages() } = {},
): bigint[] {
  const history = newHistory()
  return requests.map(([page, day]) =>
    estimate({ price: PRICE, ...terms }, asker(claim), history, page, day === null ? null : day * DAY, pages),
  )
}

describe('estimate', () => {
  it('gives a confirmed crawler its free pages of each day, each once a day', () => {
    const requests: [number, number][] = [
      [1, 0],
      [1, 0.5],
      [2, 0.5],
      [3, 0.9],
      [3, 1],
    ]
    expect(prices({ freePages: 2 }, requests)).toEqual([0n, 0n, 0n, PRICE, 0n])
  })

  it('gives free pages to nothing but a confirmed name', () => {
    expect(prices({ freePages: 2 }, [[1, 0]], { claim: 'unknown' })).toEqual([PRICE])
  })

  it('charges a page again once its window has passed since it was paid', () => {
    const requests: [number, number][] = [
      [1, 0],
      [1, 0.9],
      [1, 1],
      [1, 1.9],
    ]
    expect(prices({ recrawlMs: DAY }, requests)).toEqual([PRICE, 0n, PRICE, 0n])
  })

  it('begins a window with a paid page, not with a free one', () => {
    const requests: [number, number][] = [
      [1, 0],
      [2, 0],
      [1, 1.1],
      [2, 0.5],
    ]
    expect(prices({ freePages: 1, recrawlMs: DAY }, requests)).toEqual([0n, PRICE, 0n, 0n])
  })

  it('charges requests without a time', () => {
    expect(
      prices({ freePages: 2, recrawlMs: DAY }, [
        [1, null],
        [1, null],
      ]),
    ).toEqual([PRICE, PRICE])
  })

  it('charges all beyond the pages that it stores', () => {
    const pages = new Pages(1)
    const requests: [number, number][] = [
      [1, 0],
      [2, 0],
      [2, 0],
      [1, 0],
    ]
    expect(prices({ recrawlMs: DAY }, requests, { pages })).toEqual([PRICE, PRICE, PRICE, 0n])
  })
})
