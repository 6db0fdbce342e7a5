/** Invoices for tests of rails and pages. */
import type { Invoice, InvoiceStanding } from '../../src/ledger/billing/types.ts'

const DAY = 86_400_000

/** An invoice from Berlin to Paris over $1.234567, of which 4,567 micro-dollars are carried. `parts` may set the VAT. */
export function invoiceOf(parts: Partial<Invoice> = {}): Invoice {
  const issuedAt = Date.UTC(2026, 10, 22)
  const net = parts.net ?? 1_230_000n
  const vat = parts.vat ?? { rate: 1900, treatment: 'standard', amount: 230_000n }
  return {
    id: 'INV-000001',
    number: 1,
    agent: 'agent-1',
    periods: ['2026-11-21'],
    from: issuedAt - DAY,
    to: issuedAt,
    issuedAt,
    dueAt: issuedAt + 14 * DAY,
    seller: { name: 'Tally GmbH', country: 'DE', taxId: 'DE123456789' },
    buyer: { name: 'Crawl SARL', country: 'FR', taxId: 'FR12345678901', email: 'bills@crawl.example' },
    rail: 'stripe',
    charged: net + 4_567n,
    carriedIn: 0n,
    carriedOut: 4_567n,
    total: net + vat.amount,
    ...parts,
    net,
    vat,
  }
}

export function standingOf(invoice: Invoice, parts: Partial<InvoiceStanding> = {}): InvoiceStanding {
  return {
    ...invoice,
    presented: null,
    paid: 0n,
    credited: 0n,
    creditedNet: 0n,
    failedAt: null,
    stage: 'open',
    ...parts,
  }
}
