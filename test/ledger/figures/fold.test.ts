/** The sums of sales, whatever order they come in. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  FigureSums,
  MAX_PATH_LENGTH,
  OTHER_PATHS,
  pathOf,
  type Sale,
} from '../../../src/ledger/figures/fold.ts'
import { HOUR_MS } from '../../../src/platform/time.ts'

const saleOf = (rest: Partial<Sale> = {}): Sale => ({
  kind: 'charge',
  amount: 1000n,
  at: 5 * HOUR_MS + 1,
  site: 'gazette',
  rule: 'default',
  who: 'GPTBot',
  request: 'GET https://a.test/news/1',
  ...rest,
})

function sumOf(sales: readonly Sale[]) {
  const sums = new FigureSums()
  for (const sale of sales) sums.add(sale)
  return sums
}

describe('pathOf', () => {
  it.each([
    ['GET https://a.test/', '/'],
    ['GET https://a.test/news', '/news'],
    ['GET https://a.test/news/', '/news'],
    ['GET https://a.test/news/2026/11/a?b=c', '/news/2026'],
    ['POST https://a.test/api/search sha-256=abc=', '/api/search'],
    ['GET /a', OTHER_PATHS],
    [`GET https://a.test/${'x'.repeat(MAX_PATH_LENGTH - 1)}`, `/${'x'.repeat(MAX_PATH_LENGTH - 1)}`],
    [`GET https://a.test/${'x'.repeat(MAX_PATH_LENGTH)}`, OTHER_PATHS],
  ])('of %j is %j', (request, path) => {
    expect(pathOf(request)).toBe(path)
  })
})

describe('FigureSums', () => {
  it('subtracts what is taken back in the hour of its charge', () => {
    const at = 7 * HOUR_MS - 1
    const sums = sumOf([saleOf({ at }), saleOf({ at }), saleOf({ kind: 'release', amount: -1000n, at })])
    const figure = { hour: 6, site: 'gazette', rule: 'default', who: 'GPTBot', path: '/news/1' }
    expect(sums.end()).toEqual([{ ...figure, charges: 2, releases: 1, charged: 1000n }])
  })

  it('counts a lowered charge as one charge of the lower amount', () => {
    const sums = sumOf([saleOf(), saleOf({ kind: 'lower', amount: -400n })])
    expect(sums.end()).toMatchObject([{ charges: 1, releases: 0, charged: 600n }])
  })

  it('counts no release while another delivery keeps the charge', () => {
    expect(sumOf([saleOf({ kind: 'release', amount: 0n })]).end()).toEqual([])
  })

  it('keeps hours, sites, rules, askers and paths apart, and has empty texts for what is not known', () => {
    const others: Partial<Sale>[] = [
      { at: 4 * HOUR_MS },
      { site: 'herald' },
      { rule: null },
      { who: null },
      { request: 'GET https://a.test/b' },
    ]
    const sums = sumOf([saleOf(), ...others.map(saleOf)])
    expect(sums.size).toBe(6)
    expect(sums.end()).toContainEqual(expect.objectContaining({ rule: '', who: 'GPTBot' }))
    expect(sums.end()).toContainEqual(expect.objectContaining({ rule: 'default', who: '' }))
  })

  it('has the same sums in any order and in any parts, and they add up', () => {
    const sale = fc.record<Sale>({
      kind: fc.constantFrom('charge', 'release', 'lower'),
      amount: fc.bigInt(-5000n, 5000n),
      at: fc.integer({ min: 0, max: 4 * HOUR_MS }),
      site: fc.constantFrom('gazette', 'herald'),
      rule: fc.constantFrom('default', null),
      who: fc.constantFrom('GPTBot', '~GPTBot', null),
      request: fc.constantFrom('GET https://a.test/a', 'GET https://a.test/b/c/d', 'GET /'),
    })
    fc.assert(
      fc.property(fc.array(sale, { maxLength: 30 }), fc.nat(30), (sales, cut) => {
        const byKey = (sums: FigureSums) =>
          new Map(
            sums
              .end()
              .map(({ charges, releases, charged, ...key }) => [
                JSON.stringify(key),
                { charges, releases, charged },
              ]),
          )
        const whole = sumOf(sales)
        expect(byKey(sumOf(sales.toReversed()))).toEqual(byKey(whole))
        expect(sumOf(sales.slice(0, cut)).charged + sumOf(sales.slice(cut)).charged).toBe(whole.charged)
        expect(whole.end().reduce((sum, { charged }) => sum + charged, 0n)).toBe(whole.charged)
      }),
    )
  })
})
