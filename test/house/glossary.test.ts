/** docs/glossary.md: each word once, in alphabetical order, on one line; the words of the design are all there. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ROW = /^\| ([^|]+) \| ([^|]+) \|$/
const text = readFileSync('docs/glossary.md', 'utf8')
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
const words = rows.map((row) => ROW.exec(row)?.[1] ?? '')

/** Words that the code and the documents build on. */
const REQUIRED =
  `account, authorize, balance, ceiling, channel, channel account, charge, claim, commitment, corrective 402,
  crawler, credit line, credit note, dialect, dunning, entry, escrow, facilitator, fault, invoice, IOU, nightly run, offer,
  operator, origin, payer, payout, policy, price, publisher, quarantine, rail, read model, reader, receipt, receiver, redeem,
  refusal, relayer, release, replay, rule, scheme, settlement run, statement, sweep, unresolved, voucher, watch`.split(
    /,\s+/,
  )

describe('docs/glossary.md', () => {
  it('defines each word on one line of two cells', () => {
    expect(rows.filter((row) => !ROW.test(row))).toEqual([])
    expect(rows.length).toBeGreaterThan(50)
  })

  it('defines no word twice', () => {
    const seen = words.map((word) => word.toLowerCase())
    expect(seen.filter((word, at) => seen.indexOf(word) !== at)).toEqual([])
  })

  it('lists the words in alphabetical order', () => {
    const sorted = words.toSorted((one, other) => one.localeCompare(other, 'en', { sensitivity: 'base' }))
    expect(words).toEqual(sorted)
  })

  it('has the words of the design', () => {
    expect(REQUIRED.filter((word) => !words.includes(word))).toEqual([])
  })
})
