import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { draftInvoice, numbered, numberKey } from '../../src/billing/invoice.ts'
import { creditable, draftNote, draftNoteOver, releasable } from '../../src/ledger/billing/notes.ts'
import { periodOf } from '../../src/ledger/billing/period.ts'
import type { StatementHead } from '../../src/ledger/billing/types.ts'
import { type Seller, vatOn } from '../../src/ledger/billing/vat.ts'
import type { LineBill } from '../../src/ledger/credit/contract.ts'
import { EMPTY_ROOT } from '../../src/protocol/encoding/merkle.ts'
import { runs } from '../runs.ts'
import { invoiceOf, standingOf } from './bills.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 10, 22)
const CENT = 10_000n
const CENTS = { unit: CENT, least: CENT }
const TERMS = { net: 14, pastDue: 3, suspended: 10, writtenOff: 90 }
const SELLER: Seller = { name: 'Tally GmbH', country: 'DE', taxId: 'DE123456789', vatRate: 1900 }
const BUYER = { name: 'Crawl SARL', country: 'FR', taxId: 'FR12345678901' }

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

function stated(totals: readonly bigint[], from = NOW - totals.length * DAY): StatementHead[] {
  return totals.map((total, at) => {
    const period = periodOf('daily', from + at * DAY)
    return { period, first: at, last: at, total, root: EMPTY_ROOT, closedAt: period.to, name: 'Example' }
  })
}

function billOf(uninvoiced: StatementHead[], carried = 0n, buyer = BUYER): LineBill {
  const terms = { limit: 0n, period: 'daily', rail: 'transfer', tier: null, buyer } as const
  const nothing = {
    last: 0,
    openedAt: 0,
    charged: 0n,
    redeemed: 0n,
    unstated: null,
    drafted: null,
    draftedNotes: [],
    excess: 0n,
    invoices: [],
    attempted: [],
    pendingSteps: [],
    overpaid: [],
  }
  return { agent: 'agent-1', name: 'Agent', terms, ...nothing, uninvoiced, carried }
}

describe('draftInvoice', () => {
  it('covers all statements without an invoice and carries amounts below a cent', () => {
    const draft = draftInvoice(billOf(stated([1_234_567n, 10n]), 9_000n), SELLER, CENTS, TERMS, NOW)
    expect(draft).toMatchObject({
      periods: ['2026-11-20', '2026-11-21'],
      from: NOW - 2 * DAY,
      to: NOW,
      dueAt: NOW + 14 * DAY,
      charged: 1_234_577n,
      carriedIn: 9_000n,
      net: 1_240_000n,
      carriedOut: 3_577n,
    })
  })

  it.each([
    ['every statement has an invoice', [], 0n],
    ['the sum is below a cent', [9_999n], 0n],
    ['releases exceed charges', [-50_000n, 20_000n], 9_999n],
  ])('returns null when %s', (_, totals, carried) => {
    expect(draftInvoice(billOf(stated(totals), carried), SELLER, CENTS, TERMS, NOW)).toBeNull()
  })

  it('returns null below the rail’s minimum', () => {
    const rail = { unit: CENT, least: 50n * CENT }
    expect(draftInvoice(billOf(stated([49n * CENT])), SELLER, rail, TERMS, NOW)).toBeNull()
    expect(draftInvoice(billOf(stated([49n * CENT, CENT])), SELLER, rail, TERMS, NOW)?.net).toBe(50n * CENT)
  })

  it('has a number key that stays the same when a repeated run covers more statements', () => {
    const [first, longer] = [[CENT], [CENT, CENT]].map((totals) =>
      draftInvoice(billOf(stated(totals, NOW - DAY)), SELLER, CENTS, TERMS, NOW),
    )
    if (!first || !longer) throw new Error('both drafts must be invoices')
    expect(numberKey(longer)).toBe(numberKey(first))
    expect(numbered(first, 42)).toMatchObject({ id: 'INV-000042', number: 42 })
  })

  it('keeps invoiced, carried and waiting amounts equal to the charges, to the micro-dollar [F20]', () => {
    const runs = fc.array(fc.array(fc.bigInt({ min: -30_000n, max: 200_000n }), { maxLength: 3 }), {
      maxLength: 30,
    })
    const rails = fc.constantFrom(CENTS, { unit: 1n, least: CENT }, { unit: CENT, least: 50n * CENT })
    fc.assert(
      fc.property(runs, fc.array(rails, { minLength: 30, maxLength: 30 }), (charges, by) => {
        let [carried, invoiced, charged] = [0n, 0n, 0n]
        let waiting: bigint[] = []
        charges.forEach((totals, at) => {
          const rail = by[at] ?? CENTS
          waiting = [...waiting, ...totals]
          charged += totals.reduce((sum, total) => sum + total, 0n)
          const draft = draftInvoice(billOf(stated(waiting), carried), SELLER, rail, TERMS, NOW)
          if (draft) {
            expect(draft.carriedIn + draft.charged).toBe(draft.net + draft.carriedOut)
            expect(draft.net % rail.unit).toBe(0n)
            expect(draft.net >= rail.least && draft.total === draft.net + draft.vat.amount).toBe(true)
            invoiced += draft.net
            carried = draft.carriedOut
            waiting = []
          }
          const left = waiting.reduce((sum, total) => sum + total, 0n)
          expect(invoiced + carried + left).toBe(charged)
        })
      }),
    )
  })
})

describe('vatOn', () => {
  const parties = (from: string, to: string, taxId?: string) =>
    vatOn(1_230_000n, { ...SELLER, country: from }, { name: 'B', country: to, ...(taxId && { taxId }) }, CENT)

  it('returns the seller’s rate in the home country, rounded to the cent', () => {
    expect(parties('DE', 'DE', 'DE1')).toEqual({ rate: 1900, treatment: 'standard', amount: 230_000n })
    expect(parties('CH', 'CH')).toMatchObject({ treatment: 'standard' })
  })

  it('returns reverse_charge for an EU buyer abroad with a tax id', () => {
    expect(parties('DE', 'FR', 'FR1')).toEqual({ rate: 0, treatment: 'reverse_charge', amount: 0n })
  })

  it('returns the seller’s rate for an EU buyer abroad without a tax id', () => {
    expect(parties('DE', 'FR')).toMatchObject({ rate: 1900, treatment: 'standard' })
  })

  it('returns outside_scope across the EU border and for a seller without VAT', () => {
    expect(parties('DE', 'US', 'EIN')).toMatchObject({ rate: 0, treatment: 'outside_scope', amount: 0n })
    expect(parties('US', 'DE', 'DE1')).toMatchObject({ treatment: 'outside_scope' })
    const free = vatOn(CENT, { name: 'A', country: 'DE' }, BUYER, CENT)
    expect(free).toEqual({ rate: 0, treatment: 'outside_scope', amount: 0n })
  })

  it('returns whole units of the rail within half a unit of the exact amount', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 9n }),
        fc.integer({ min: 1, max: 2700 }),
        (cents, vatRate) => {
          const net = cents * CENT
          const { amount } = vatOn(net, { ...SELLER, vatRate }, { ...BUYER, country: 'DE' }, CENT)
          expect(amount % CENT).toBe(0n)
          const off = amount * 10_000n - net * BigInt(vatRate)
          expect((off < 0n ? -off : off) * 2n <= CENT * 10_000n).toBe(true)
        },
      ),
    )
  })
})

describe('draftNote', () => {
  const invoice = standingOf(invoiceOf())
  const note = (net: bigint, parts = {}) =>
    draftNote({ ...invoice, ...parts }, { net, unit: CENT, reason: 'an error of ours', now: NOW })

  it('includes its share of the VAT in whole cents', () => {
    expect(note(620_000n)).toMatchObject({ credited: 0n, net: 620_000n, vat: 120_000n, total: 740_000n })
  })

  it('includes all remaining VAT when it credits the rest', () => {
    const credited = { credited: 400_001n, creditedNet: 337_000n }
    expect(note(893_000n, credited)).toMatchObject({ vat: 166_999n, total: 1_059_999n })
  })

  it.each([0n, -1n, 1_230_001n])('throws RangeError for a net amount of %d', (net) => {
    expect(() => note(net)).toThrow(RangeError)
  })

  it('and draftNoteOver credit the exact amounts and together the whole invoice', () => {
    const sum = fc.bigInt({ min: 1n, max: invoice.total })
    const wanted = fc.record({ sum, kind: fc.constantFrom('net', 'gross'), unit: fc.constantFrom(1n, CENT) })
    fc.assert(
      fc.property(fc.array(wanted, { maxLength: 6 }), (notes) => {
        const rest = { sum: invoice.total, kind: 'gross', unit: 1n }
        let standing = invoice
        for (const { sum, kind, unit } of [...notes, rest]) {
          const common = { reason: '', now: NOW }
          const [total, net] = [
            least(sum, invoice.total - standing.credited),
            least(sum, creditable(standing)),
          ]
          if (total === 0n || (kind === 'net' && net === 0n)) continue
          const made =
            kind === 'net'
              ? draftNote(standing, { ...common, net, unit })
              : draftNoteOver(standing, { ...common, total })
          expect(kind === 'net' ? made.net : made.total).toBe(kind === 'net' ? net : total)
          expect(made.net >= 0n && made.vat >= 0n).toBe(true)
          const [credited, creditedNet] = [standing.credited + made.total, standing.creditedNet + made.net]
          standing = { ...invoice, credited, creditedNet }
        }
        expect([standing.credited, standing.creditedNet]).toEqual([invoice.total, invoice.net])
      }),
      { numRuns: runs(100), examples: [[[1_459_994n, 1n].map((sum) => ({ sum, kind: 'gross', unit: 1n }))]] },
    )
  })

  it('over a released amount credits part of the net amount or all of the rest', () => {
    const released = fc.bigInt({ min: 1n, max: invoice.net })
    fc.assert(
      fc.property(released, fc.constantFrom(1n, CENT), (excess, unit) => {
        const total = releasable(invoice, excess, unit)
        if (total === 0n) return
        const { net } = draftNoteOver(invoice, { total, reason: '', now: NOW })
        expect(net > 0n && net <= excess).toBe(true)
      }),
    )
    const rest = standingOf(invoice, { credited: invoice.total - 1n, creditedNet: invoice.net - 1n })
    expect([releasable(invoice, 1n, 1n), releasable(rest, 1n, 1n)]).toEqual([0n, 1n])
  })

  it.each([0n, 1_460_001n])('throws RangeError for a gross amount of %d', (total) => {
    expect(() => draftNoteOver(invoice, { total, reason: '', now: NOW })).toThrow(RangeError)
  })
})
