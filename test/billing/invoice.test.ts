import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  creditable,
  draftInvoice,
  draftNote,
  draftNoteOver,
  numbered,
  numberKey,
  releasable,
} from '../../src/billing/invoice.ts'
import { periodOf } from '../../src/ledger/billing/period.ts'
import type { StatementHead } from '../../src/ledger/billing/types.ts'
import { type Seller, vatOn } from '../../src/ledger/billing/vat.ts'
import type { LineBill } from '../../src/ledger/credit/contract.ts'
import { EMPTY_ROOT } from '../../src/protocol/encoding/merkle.ts'
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
    excess: 0n,
    invoices: [],
    pendingSteps: [],
  }
  return { agent: 'agent-1', name: 'Agent', terms, ...nothing, uninvoiced, carried }
}

describe('an invoice', () => {
  it('is over all that is stated and not invoiced, and carries what is below a cent', () => {
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
    ['nothing is stated', [], 0n],
    ['it comes to less than a cent', [9_999n], 0n],
    ['more was taken back than charged', [-50_000n, 20_000n], 9_999n],
  ])('is none when %s', (_, totals, carried) => {
    expect(draftInvoice(billOf(stated(totals), carried), SELLER, CENTS, TERMS, NOW)).toBeNull()
  })

  it('waits until it comes to what the rail takes at least', () => {
    const rail = { unit: CENT, least: 50n * CENT }
    expect(draftInvoice(billOf(stated([49n * CENT])), SELLER, rail, TERMS, NOW)).toBeNull()
    expect(draftInvoice(billOf(stated([49n * CENT, CENT])), SELLER, rail, TERMS, NOW)?.net).toBe(50n * CENT)
  })

  it('takes its number for the first statement it covers, so that a run that dies takes no second one', () => {
    const [first, longer] = [[CENT], [CENT, CENT]].map((totals) =>
      draftInvoice(billOf(stated(totals, NOW - DAY)), SELLER, CENTS, TERMS, NOW),
    )
    if (!first || !longer) throw new Error('no invoice')
    expect(numberKey(longer)).toBe(numberKey(first))
    expect(numbered(first, 42)).toMatchObject({ id: 'INV-000042', number: 42 })
  })

  it('all together are over what was charged, to the micro-dollar, with what is still carried [F20]', () => {
    const nights = fc.array(fc.array(fc.bigInt({ min: -30_000n, max: 200_000n }), { maxLength: 3 }), {
      maxLength: 30,
    })
    const rails = fc.constantFrom(CENTS, { unit: 1n, least: CENT }, { unit: CENT, least: 50n * CENT })
    fc.assert(
      fc.property(nights, fc.array(rails, { minLength: 30, maxLength: 30 }), (charges, by) => {
        let [carried, invoiced, charged] = [0n, 0n, 0n]
        let waiting: bigint[] = []
        charges.forEach((totals, night) => {
          const rail = by[night] ?? CENTS
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

describe('VAT', () => {
  const parties = (from: string, to: string, taxId?: string) =>
    vatOn(1_230_000n, { ...SELLER, country: from }, { name: 'B', country: to, ...(taxId && { taxId }) }, CENT)

  it('is charged at home, rounded to the cent', () => {
    expect(parties('DE', 'DE', 'DE1')).toEqual({ rate: 1900, treatment: 'standard', amount: 230_000n })
    expect(parties('CH', 'CH')).toMatchObject({ treatment: 'standard' })
  })

  it('is the buyer’s to account for across borders within the Union: reverse charge', () => {
    expect(parties('DE', 'FR', 'FR1')).toEqual({ rate: 0, treatment: 'reverse_charge', amount: 0n })
  })

  it('is charged within the Union to a buyer that is no business', () => {
    expect(parties('DE', 'FR')).toMatchObject({ rate: 1900, treatment: 'standard' })
  })

  it('is none across the borders of the Union, or from a seller who charges none', () => {
    expect(parties('DE', 'US', 'EIN')).toMatchObject({ rate: 0, treatment: 'outside_scope', amount: 0n })
    expect(parties('US', 'DE', 'DE1')).toMatchObject({ treatment: 'outside_scope' })
    const free = vatOn(CENT, { name: 'A', country: 'DE' }, BUYER, CENT)
    expect(free).toEqual({ rate: 0, treatment: 'outside_scope', amount: 0n })
  })

  it('is whole in the rail’s unit, and within half of one of the exact amount', () => {
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

describe('a credit note', () => {
  const invoice = standingOf(invoiceOf())
  const note = (net: bigint, parts = {}) =>
    draftNote({ ...invoice, ...parts }, { net, unit: CENT, reason: 'an error of ours', number: 7, now: NOW })

  it('takes back its share of the VAT, in whole cents', () => {
    expect(note(620_000n)).toMatchObject({ id: 'CN-000007', net: 620_000n, vat: 120_000n, total: 740_000n })
  })

  it('that takes back the rest takes back all of the VAT that is left', () => {
    const credited = { credited: 400_001n, creditedNet: 337_000n }
    expect(note(893_000n, credited)).toMatchObject({ vat: 166_999n, total: 1_059_999n })
  })

  it.each([0n, -1n, 1_230_001n])('over %d is none', (net) => {
    expect(() => note(net)).toThrow(RangeError)
  })

  it('over a sum with VAT is over exactly that, and notes of both kinds together are over the invoice', () => {
    const sum = fc.bigInt({ min: 1n, max: invoice.total })
    const wanted = fc.record({ sum, kind: fc.constantFrom('net', 'gross'), unit: fc.constantFrom(1n, CENT) })
    fc.assert(
      fc.property(fc.array(wanted, { maxLength: 6 }), (notes) => {
        const rest = { sum: invoice.total, kind: 'gross', unit: 1n }
        let standing = invoice
        for (const { sum, kind, unit } of [...notes, rest]) {
          const common = { reason: '', number: 7, now: NOW }
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
      { numRuns: 1000, examples: [[[1_459_994n, 1n].map((sum) => ({ sum, kind: 'gross', unit: 1n }))]] },
    )
  })

  it('over what was released takes something of the net amount, or all that is left', () => {
    const released = fc.bigInt({ min: 1n, max: invoice.net })
    fc.assert(
      fc.property(released, fc.constantFrom(1n, CENT), (excess, unit) => {
        const total = releasable(invoice, excess, unit)
        if (total === 0n) return
        const { net } = draftNoteOver(invoice, { total, reason: '', number: 7, now: NOW })
        expect(net > 0n && net <= excess).toBe(true)
      }),
    )
    const rest = standingOf(invoice, { credited: invoice.total - 1n, creditedNet: invoice.net - 1n })
    expect([releasable(invoice, 1n, 1n), releasable(rest, 1n, 1n)]).toEqual([0n, 1n])
  })

  it.each([0n, 1_460_001n])('over %d, VAT and all, is none', (total) => {
    expect(() => draftNoteOver(invoice, { total, reason: '', number: 7, now: NOW })).toThrow(RangeError)
  })
})
