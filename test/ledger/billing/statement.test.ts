import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { documentOf } from '../../../src/billing/signed-statement.ts'
import { prove, StatementBuilder } from '../../../src/ledger/billing/statement.ts'
import {
  entryIn,
  leafOf,
  type PlainProof,
  type StatedEntry,
  type StatementForm,
  verifyEntry,
} from '../../../src/protocol/statement.ts'

const PERIOD = { id: '2026-11-21', from: Date.UTC(2026, 10, 21), to: Date.UTC(2026, 10, 22) }

const entry = fc.record({
  at: fc.integer({ min: PERIOD.from, max: PERIOD.to - 1 }),
  kind: fc.constantFrom('charge', 'charge', 'charge', 'release', 'replay', 'payment'),
  id: fc.uuid(),
  amount: fc.bigInt({ min: 0n, max: 1_000_000n }),
  site: fc.constantFrom('a.example', 'b.example'),
  rule: fc.constantFrom('default', 'RULES[0]'),
  request: fc.webUrl(),
  iou: fc.uuid(),
  of: fc.option(fc.nat()),
  policy: fc.option(fc.nat()),
  who: fc.option(fc.constantFrom('GPTBot', '~GPTBot')),
})

const journal = fc
  .tuple(fc.integer({ min: 1, max: 1000 }), fc.array(entry, { minLength: 1, maxLength: 50 }))
  .map(([first, entries]) => entries.map((one, at): StatedEntry => ({ ...one, seq: first + at })))

function close(entries: readonly StatedEntry[], form: StatementForm = 2) {
  const closing = new StatementBuilder(entries[0]?.seq ?? 1, form)
  for (const one of entries) closing.add(one)
  return { period: PERIOD, closedAt: PERIOD.to, name: 'A', ...closing.end() }
}

function charge(seq: number, parts: Partial<StatedEntry> = {}): StatedEntry {
  const sold = { site: 'a.example', rule: 'default', policy: 1, who: 'GPTBot' }
  const rest = { id: `${seq}`, request: 'GET /', iou: '00', of: null, ...sold }
  return { seq, at: PERIOD.from, kind: 'charge', amount: 10n, ...rest, ...parts }
}

describe('Closing', () => {
  it('sums charges less releases, by day, site, rule, version of the policy and asker', () => {
    const named = { policy: 2, who: '~CCBot' }
    const { lines, total } = close([
      charge(1),
      charge(2, { policy: 2 }),
      charge(3, named),
      charge(4, { ...named, kind: 'release', of: 3 }),
      charge(5, { policy: null, who: null }),
    ])
    const sold = { day: '2026-11-21', site: 'a.example', rule: 'default' }
    expect(total).toBe(30n)
    expect(lines).toEqual([
      { ...sold, policy: 1, who: 'GPTBot', charges: 1, releases: 0, amount: 10n },
      { ...sold, policy: 2, who: 'GPTBot', charges: 1, releases: 0, amount: 10n },
      { ...sold, policy: 2, who: '~CCBot', charges: 1, releases: 1, amount: 0n },
      { ...sold, policy: null, who: null, charges: 1, releases: 0, amount: 10n },
    ])
  })

  it('sums charges less releases in form 1 by day, site and rule alone', () => {
    const next = PERIOD.to
    const entries = [
      charge(5),
      charge(6, { amount: 3n, rule: 'RULES[0]' }),
      charge(7, { kind: 'release', of: 5 }),
      charge(8, { kind: 'replay', amount: 0n, site: null, rule: null }),
      charge(9, { at: next, amount: 7n }),
    ]
    const { lines, total, first, last } = close(entries, 1)
    expect([first, last, total]).toEqual([5, 9, 10n])
    expect(lines).toEqual([
      { day: '2026-11-21', site: 'a.example', rule: 'RULES[0]', charges: 1, releases: 0, amount: 3n },
      { day: '2026-11-21', site: 'a.example', rule: 'default', charges: 1, releases: 1, amount: 0n },
      { day: '2026-11-22', site: 'a.example', rule: 'default', charges: 1, releases: 0, amount: 7n },
    ])
  })

  it('returns a negative total when releases exceed charges', () => {
    expect(close([charge(1, { kind: 'release', of: 0 })]).total).toBe(-10n)
  })

  it('throws when an entry is missing or repeated', () => {
    expect(() => close([charge(1), charge(3)])).toThrow('entries must be consecutive')
    expect(() => close([charge(1), charge(1)])).toThrow('entries must be consecutive')
  })

  it('throws for a charge without a site', () => {
    expect(() => close([charge(1, { site: null })])).toThrow('must have a site and a rule')
  })

  it('returns lines that sum to the total of charges less releases', () => {
    fc.assert(
      fc.property(journal, (entries) => {
        const { lines, total } = close(entries)
        const moved = entries.map(({ kind, amount }) =>
          kind === 'charge' ? amount : kind === 'release' ? -amount : 0n,
        )
        expect(total).toBe(moved.reduce((sum, amount) => sum + amount, 0n))
        expect(total).toBe(lines.reduce((sum, { amount }) => sum + amount, 0n))
      }),
    )
  })
})

describe('prove', () => {
  it('returns a proof that holds for each entry and fails for an altered one [I14]', () => {
    fc.assert(
      fc.property(journal, fc.nat(), fc.constantFrom(1, 2), (entries, pick, form) => {
        const statement = close(entries, form)
        const document = documentOf(statement, 'Operator', { id: 'a', name: 'A' })
        const one = entries[pick % entries.length] ?? charge(0)
        const proof = prove(
          statement,
          entries.map((each) => leafOf(entryIn(form, each))),
          entryIn(form, one),
        )
        const plain: PlainProof = JSON.parse(
          JSON.stringify(proof, (_, value) => (typeof value === 'bigint' ? value.toString() : value)),
        )
        expect(verifyEntry(document, plain)).toBe(true)
        const forged = [
          { ...plain, entry: { ...plain.entry, amount: `${one.amount + 1n}` } },
          { ...plain, entry: { ...plain.entry, request: 'GET https://elsewhere.example/' } },
          { ...plain, entry: { ...plain.entry, at: plain.entry.at + 1 } },
          { ...plain, entry: { ...plain.entry, seq: plain.entry.seq + 1 } },
          { ...plain, entry: { ...plain.entry, seq: plain.entry.seq + 1 }, index: plain.index + 1 },
          { ...plain, size: plain.size + 1 },
        ]
        for (const forgery of forged) expect(verifyEntry(document, forgery)).toBe(false)
        const renamed = { ...plain, entry: { ...plain.entry, who: 'another' } }
        expect(verifyEntry(document, renamed)).toBe(false)
      }),
    )
  })
})
