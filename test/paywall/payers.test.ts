import { describe, expect, it } from 'vitest'
import { KNOWN_MS, MAX_AT_ONCE, MAX_KNOWN, RecentPayers } from '../../src/paywall/payers.ts'

describe('RecentPayers.isKnown', () => {
  it('returns false for an account that has not bought', () => {
    expect(new RecentPayers().isKnown('a', 0)).toBe(false)
  })

  it('returns true until KNOWN_MS after the last sale', () => {
    const payers = new RecentPayers()
    payers.bought('a', 1000)
    expect([payers.isKnown('a', 999 + KNOWN_MS), payers.isKnown('a', 1000 + KNOWN_MS)]).toEqual([true, false])
  })

  it('returns false after a refusal, until the next sale', () => {
    const payers = new RecentPayers()
    payers.bought('a', 0)
    payers.refused('a')
    expect(payers.isKnown('a', 0)).toBe(false)
    payers.bought('a', 0)
    expect(payers.isKnown('a', 0)).toBe(true)
  })

  it('drops the account that bought first when MAX_KNOWN others have bought since', () => {
    const payers = new RecentPayers()
    for (let n = 0; n < MAX_KNOWN; n++) payers.bought(`${n}`, n)
    payers.bought('0', MAX_KNOWN)
    payers.bought('one more', MAX_KNOWN)
    expect(['0', '1', '2', 'one more'].map((name) => payers.isKnown(name, MAX_KNOWN))).toEqual([
      true,
      false,
      true,
      true,
    ])
  })
})

describe('RecentPayers.enter', () => {
  it('returns false when MAX_AT_ONCE requests of the account are under way [E14, H3]', () => {
    const payers = new RecentPayers()
    for (let n = 0; n < MAX_AT_ONCE; n++) expect(payers.enter('a')).toBe(true)
    expect([payers.enter('a'), payers.enter('b')]).toEqual([false, true])
    payers.leave('a')
    expect([payers.enter('a'), payers.enter('a')]).toEqual([true, false])
  })
})
