import { describe, expect, it } from 'vitest'
import { percentiles } from '../../../src/cli/swarm/latency.ts'
import { moneyOf } from '../../../src/cli/swarm/money.ts'
import { isLoopback } from '../../../src/cli/swarm/target.ts'

describe('percentiles', () => {
  it('are those of the nearest rank', () => {
    const values = Array.from({ length: 1_000 }, (_, at) => 1_000 - at)
    expect(percentiles(values)).toEqual({ count: 1_000, p50: 500, p90: 900, p99: 990, p999: 999, max: 1_000 })
  })

  it('are zero for no values', () => {
    expect(percentiles([])).toEqual({ count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 })
  })
})

describe('moneyOf', () => {
  const at = (delivered: bigint, charged: bigint | null) => ({ pages: Number(delivered), delivered, charged })

  it('counts since the start alone', () => {
    expect(moneyOf([at(5n, 5n)], [at(9n, 9n)])).toEqual({
      pages: 4,
      delivered: 4n,
      charged: 4n,
      servedUnpaid: 0n,
      overpaid: 0n,
    })
  })

  it('sets no payer’s loss against another’s gain', () => {
    const money = moneyOf([at(0n, 0n), at(0n, 0n)], [at(3n, 1n), at(1n, 3n)])
    expect(money).toMatchObject({ servedUnpaid: 2n, overpaid: 2n })
  })

  it('is not audited if one account is not known', () => {
    expect(moneyOf([at(0n, null)], [at(3n, null)])).toMatchObject({ charged: null, servedUnpaid: null })
  })
})

describe('isLoopback', () => {
  it.each([
    'http://127.0.0.1:8402/a',
    'http://localhost/',
    'https://a.b.localhost/',
    'http://[::1]:1/',
    'http://127.1/',
  ])('is true for %s', (url) => {
    expect(isLoopback(url)).toBe(true)
  })

  it.each([
    'http://example.com/',
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'http://10.0.0.1/',
    'http://0.0.0.0/',
    'http://127.0.0.1@example.com/',
  ])('is false for %s', (url) => {
    expect(isLoopback(url)).toBe(false)
  })
})
