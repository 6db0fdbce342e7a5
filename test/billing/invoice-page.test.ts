/** Invoices as people read them: their lines, and amounts with as many decimals as they need. */
import { describe, expect, it } from 'vitest'
import { invoiceLines, linesOf } from '../../src/billing/invoice-lines.ts'
import { countText, decimalsOf, moneyText } from '../../src/billing/money.ts'
import { invoicePage } from '../../src/billing/pages.ts'
import type { StatementLine } from '../../src/ledger/billing/types.ts'
import { invoiceOf, standingOf } from './bills.ts'

function lineOf(parts: Partial<StatementLine> = {}): StatementLine {
  const day = '2026-11-21'
  return { site: 'a.example', rule: 'default', day, charges: 2, releases: 0, amount: 4_000n, ...parts }
}

describe('moneyText', () => {
  it.each([
    [0n, '0.00'],
    [2_460_000n, '2.46'],
    [2_000n, '0.002'],
    [1n, '0.000001'],
    [-4_567n, '−0.004567'],
    [-1_000_000n, '−1.00'],
    [1_500_000n, '1.50'],
    [999_999_999n, '999.999999'],
    [1_000_000_000n, '1,000.00'],
    [1_234_567_890_120_000n, '1,234,567,890.12'],
  ])('writes %d micro-dollars as %s', (amount, text) => {
    expect(moneyText(amount)).toBe(text)
  })

  it('needs two decimals for a column of cents, and more for smaller units', () => {
    expect(decimalsOf([])).toBe(2)
    expect(decimalsOf([1_000_000n, 10_000n])).toBe(2)
    expect(decimalsOf([1_000_000n, 2_000n, 1_500n])).toBe(4)
  })
})

describe('countText', () => {
  it('groups thousands', () => {
    expect([0, 999, 1_000, 1_234_567, -1_234].map(countText)).toEqual([
      '0',
      '999',
      '1,000',
      '1,234,567',
      '−1,234',
    ])
  })
})

describe('invoiceLines', () => {
  it('sums the days of one site, rule and unit price', () => {
    const days = [lineOf(), lineOf({ day: '2026-11-22', charges: 5, releases: 1, amount: 8_000n })]
    expect(invoiceLines([{ lines: days }, { lines: [lineOf()] }])).toEqual([
      { site: 'a.example', rule: 'default', pages: 8, unit: 2_000n, amount: 16_000n },
    ])
  })

  it('keeps prices apart, the dearest first, and sorts rules by number', () => {
    const lines = [
      lineOf({ site: 'b.example' }),
      lineOf({ rule: 'RULES[10]' }),
      lineOf({ rule: 'RULES[2]' }),
      lineOf({ amount: 2_000n }),
      lineOf(),
    ]
    const names = invoiceLines([{ lines }]).map(({ site, rule, unit }) => `${site} ${rule} ${unit}`)
    expect(names).toEqual([
      'a.example default 2000',
      'a.example default 1000',
      'a.example RULES[2] 2000',
      'a.example RULES[10] 2000',
      'b.example default 2000',
    ])
  })

  it('omits the unit price where the amount does not divide by the pages', () => {
    const lines = [lineOf({ charges: 3 }), lineOf({ rule: 'RULES[0]', charges: 1, releases: 1, amount: -5n })]
    expect(invoiceLines([{ lines }])).toMatchObject([
      { pages: 3, unit: null, amount: 4_000n },
      { pages: 0, unit: null, amount: -5n },
    ])
  })

  it('leaves out what was released in full, and shows releases of an earlier period below zero', () => {
    const gone = lineOf({ rule: 'RULES[0]', releases: 2, amount: 0n })
    const late = lineOf({ charges: 0, releases: 2, amount: -4_000n })
    expect(invoiceLines([{ lines: [gone, late] }])).toEqual([
      { site: 'a.example', rule: 'default', pages: -2, unit: 2_000n, amount: -4_000n },
    ])
  })
})

describe('linesOf', () => {
  it('reads every statement of the invoice', async () => {
    const asked: string[] = []
    const line = {
      statement: async (period: string) => {
        asked.push(period)
        return null
      },
    }
    expect(await linesOf(line, { periods: ['2026-11-21', '2026-11-22'] })).toEqual([])
    expect(asked).toEqual(['2026-11-21', '2026-11-22'])
  })
})

describe('invoicePage', () => {
  const line = { site: 'a.example', rule: 'default', pages: 1234, unit: 1_000n, amount: 1_234_567n }

  it('names the seller first, and shows each line with its pages, unit price and amount', () => {
    const page = invoicePage(standingOf(invoiceOf()), [line])
    expect(page.indexOf('Tally GmbH</p>\n<h1>')).toBeGreaterThan(0)
    expect(page).toContain('<td class="site">a.example</td><td class="rule">default</td>')
    expect(page).toContain(
      '<td class="n" data-unit="pages at">1,234</td><td class="usd">0.001</td><td class="usd">1.234567</td>',
    )
  })

  it('says "various" for a line without a unit price', () => {
    const page = invoicePage(standingOf(invoiceOf()), [{ ...line, unit: null }])
    expect(page).toContain('<td class="usd">various</td>')
  })

  it('omits the columns of lines when there are none, and has one row for each of forty', () => {
    expect(invoicePage(standingOf(invoiceOf()), [])).not.toContain('Unit price')
    const forty = Array.from({ length: 40 }, (_, index) => ({ ...line, rule: `RULES[${index}]` }))
    expect(invoicePage(standingOf(invoiceOf()), forty).match(/<td class="site">/g)).toHaveLength(40)
  })

  it('escapes the names of sites and rules [D15]', () => {
    const page = invoicePage(standingOf(invoiceOf()), [{ ...line, site: '<script>', rule: '"><img>' }])
    expect(page).not.toMatch(/<script|<img/)
  })

  it('shows how to pay with the amount due, and nothing of it once the invoice is settled', () => {
    const presented = { reference: 'x', url: null, instructions: 'IBAN NL00' }
    const open = standingOf(invoiceOf({ rail: 'transfer' }), { presented })
    expect(invoicePage(open, [])).toContain('<strong>By bank transfer</strong>, USD 1.46:\nIBAN NL00')
    expect(invoicePage({ ...open, paid: open.total, stage: 'settled' }, [])).not.toContain('How to pay')
  })

  it('says so while the seller has not sent payment details', () => {
    expect(invoicePage(standingOf(invoiceOf()), [])).toContain('not sent payment details yet')
  })

  it('states amount, network and address of a payment in USDC', () => {
    const exact = { url: 'https://till.test/pay', network: 'base', payTo: '0x11' }
    const page = invoicePage(standingOf(invoiceOf({ rail: 'stablecoin' })), [], exact)
    for (const word of ['1.46 USDC', '<dd>base</dd>', '0x11', 'https://till.test/pay'])
      expect(page).toContain(word)
  })
})
