import { describe, expect, it } from 'vitest'
import { readFinalAmount, readMoment, readOriginFacts } from '../../../src/paywall/terms/origin-price.ts'

const priceOf = (headers: Record<string, string>) => readOriginFacts(new Headers(headers)).price

describe('readOriginFacts', () => {
  it.each([
    [{ 'tab402-price': '0.05' }, 50_000n],
    [{ 'tab402-price': ' 0.05 ' }, 50_000n],
    [{ 'tab402-price': '0' }, 0n],
    [{ 'tab402-price': 'block' }, 'block'],
    [{ 'crawler-price': 'USD 0.05' }, 50_000n],
    [{ 'crawler-price': 'USD 0.00' }, 0n],
    [{ 'tab402-price': '0.01', 'crawler-price': 'USD 0.05' }, 10_000n],
    [{}, null],
  ])('reads %j as %s', (headers, expected) => {
    expect(priceOf(headers)).toBe(expected)
  })

  it.each([
    [{ 'tab402-price': '$0.05' }],
    [{ 'tab402-price': '0.05, 0.01' }],
    [{ 'tab402-price': '-1' }],
    [{ 'tab402-price': '' }],
    [{ 'tab402-price': '1e9' }],
    [{ 'crawler-price': 'EUR 0.05' }],
    [{ 'crawler-price': '0.05' }],
    [{ 'tab402-price': 'cheap', 'crawler-price': 'USD 0.05' }],
  ])('takes %j for no price and says so', (headers) => {
    expect(readOriginFacts(new Headers(headers))).toMatchObject({ price: null, fault: expect.any(String) })
  })

  it('takes no price from an answer of a cache', () => {
    const headers = new Headers({ 'tab402-price': '0.05', age: '12' })
    expect(readOriginFacts(headers)).toMatchObject({ price: null, fault: 'the answer came from a cache' })
    expect(priceOf({ 'tab402-price': '0.05', age: '0' })).toBe(50_000n)
  })

  it('reads the date of publication beside the price', () => {
    const headers = new Headers({ 'tab402-price': '0.05', 'tab402-published': '2026-11-27T10:00:00+01:00' })
    expect(readOriginFacts(headers)).toEqual({ price: 50_000n, published: Date.UTC(2026, 10, 27, 9) })
  })
})

describe('readMoment', () => {
  it.each([
    ['2026-11-27', Date.UTC(2026, 10, 27)],
    ['2026-11-27T01:02:03Z', Date.UTC(2026, 10, 27, 1, 2, 3)],
    ['2026-11-27T01:02+01:00', Date.UTC(2026, 10, 27, 0, 2)],
    ['2026-11-27T01:02:03', undefined],
    ['27.11.2026', undefined],
    ['2026-13-01', undefined],
    ['', undefined],
    [null, null],
  ])('reads %s as %s', (text, expected) => {
    expect(readMoment(text)).toBe(expected)
  })
})

describe('readFinalAmount', () => {
  it.each([
    [{ 'tab402-charge': '0.0004' }, 400n],
    [{ 'tab402-charge': '0' }, 0n],
    [{ 'tab402-charge': 'nothing' }, undefined],
    [{}, undefined],
  ])('reads %j as %s', (headers, expected) => {
    expect(readFinalAmount(new Headers(headers as Record<string, string>))).toBe(expected)
  })
})
