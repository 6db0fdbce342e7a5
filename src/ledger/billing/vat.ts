/** VAT on invoices (Directive 2006/112/EC). Pure. */
import type { Party, Vat } from './types.ts'

/**
 * Returns the VAT on `net` for electronic services to businesses (Directive 2006/112/EC art. 44, 196), by the
 * countries of seller and buyer. Rounds to `unit`, the rail's smallest unit. Amounts in micro-dollars.
 */
export function vatOn(net: bigint, seller: Seller, buyer: Party, unit: bigint): Vat {
  const rate = seller.vatRate ?? 0
  const domestic = seller.country === buyer.country
  const both = EUROPEAN_UNION.has(seller.country) && EUROPEAN_UNION.has(buyer.country)
  if (rate === 0 || !(domestic || both)) return { rate: 0, treatment: 'outside_scope', amount: 0n }
  if (!domestic && buyer.taxId) return { rate: 0, treatment: 'reverse_charge', amount: 0n }
  return { rate, treatment: 'standard', amount: roundTo(net * BigInt(rate), 10_000n * unit) * unit }
}

/** Returns the VAT text that an invoice must show (Directive 2006/112/EC art. 226 11a). */
export function vatWords({ rate, treatment }: Vat): string {
  switch (treatment) {
    case 'standard':
      return `VAT ${rate / 100} %`
    case 'reverse_charge':
      return 'VAT: reverse charge, to be accounted for by the buyer'
    case 'outside_scope':
      return 'VAT: outside the scope'
  }
}

/** Divides by `unit` and rounds half up. Returns a number of units. */
export function roundTo(value: bigint, unit: bigint): bigint {
  return (value + unit / 2n) / unit
}

/** The member states of the European Union (ISO 3166-1 alpha-2). */
export const EUROPEAN_UNION: ReadonlySet<string> = new Set(
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' '),
)

/** The seller on invoices. `vatRate` in hundredths of a percent; without it, the seller charges 0 VAT. */
export type Seller = Party & { vatRate?: number }
