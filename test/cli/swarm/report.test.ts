import { describe, expect, it } from 'vitest'
import { percentiles } from '../../../src/cli/swarm/latency.ts'
import { moneyOf } from '../../../src/cli/swarm/money.ts'
import type { SwarmNight } from '../../../src/cli/swarm/nights.ts'
import { isSound, reportText, type SwarmReport } from '../../../src/cli/swarm/report.ts'
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
  const at = (delivered: bigint, charged: bigint | null) => ({
    pages: Number(delivered),
    delivered,
    charged,
    unsettled: charged,
  })

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

const MONEY = { pages: 3, delivered: 3_000n, charged: 3_000n, servedUnpaid: 0n, overpaid: 0n }
const NIGHT: SwarmNight = {
  at: '2026-12-01T00:00:00.000Z',
  status: 'settled',
  findings: 0,
  claimed: 3_000n,
  swept: 3_000n,
  received: 3_000n,
  unsettled: 0n,
  transactions: 2,
}
const REPORT: SwarmReport = {
  version: 1,
  url: 'http://127.0.0.1:1/page',
  seed: 1,
  payers: 4,
  arrivals: 3,
  waited: 0,
  seconds: 1,
  latency: { honest: { count: 3, p50: 1, p90: 2, p99: 3, p999: 3, max: 3 } },
  requests: 7,
  byStatus: { 200: 3, 402: 4 },
  refused: { 'Payment required': 3, invalid_payload: 1 },
  money: MONEY,
  nights: [NIGHT],
  audit: MONEY,
  failures: {},
}

describe('isSound', () => {
  it('is true for money that adds up', () => {
    expect(isSound(REPORT)).toBe(true)
  })

  it.each([
    ['a page that was not charged', { audit: { ...MONEY, servedUnpaid: 1n } }],
    ['a charge without a page', { audit: { ...MONEY, overpaid: 1n } }],
    ['a nightly run that is in doubt', { nights: [{ ...NIGHT, status: 'in_doubt' }] }],
    ['a nightly run that leaves an IOU', { nights: [{ ...NIGHT, unsettled: 1n }] }],
    ['a nightly run whose sweep the chain does not show', { nights: [{ ...NIGHT, received: 2_999n }] }],
  ])('is false for %s', (_, more) => {
    expect(isSound({ ...REPORT, ...more })).toBe(false)
  })

  it('is null without a look at the ledger', () => {
    expect(isSound({ ...REPORT, audit: null, money: { ...MONEY, servedUnpaid: null } })).toBeNull()
  })
})

describe('reportText', () => {
  it('keeps the requests for the price apart from payments that were refused', () => {
    expect(reportText(REPORT)).toContain('402 without a payment: 3.')
    expect(reportText(REPORT)).toMatch(/Refused payments:\n +1 {2}invalid_payload\n/)
  })

  it('ends with the verdict of the audit', () => {
    expect(reportText(REPORT)).toMatch(/Sound: .*Each nightly run has settled all of it\.$/)
    expect(reportText({ ...REPORT, nights: [{ ...NIGHT, status: 'in_doubt' }] })).toMatch(/\nNOT SOUND: .*$/)
  })

  it('names the arrivals that waited for a payer', () => {
    expect(reportText({ ...REPORT, waited: 2 })).toContain('2 arrivals waited for a payer that was busy')
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
