/** VAT on an invoice: the rate, who accounts for it, and the words that the law wants (Directive 2006/112/EC). */
import type { Party, Vat } from './types.ts'

/** VAT as for electronic services to businesses (Directive 2006/112/EC art. 44, 196): by where seller and buyer are. */
export function vatOn(net: bigint, seller: Seller, buyer: Party, unit: bigint): Vat {
  const rate = seller.vatRate ?? 0
  const domestic = seller.country === buyer.country
  const both = EUROPEAN_UNION.has(seller.country) && EUROPEAN_UNION.has(buyer.country)
  if (rate === 0 || !(domestic || both)) return { rate: 0, treatment: 'outside_scope', amount: 0n }
  if (!domestic && buyer.taxId) return { rate: 0, treatment: 'reverse_charge', amount: 0n }
  return { rate, treatment: 'standard', amount: roundTo(net * BigInt(rate), 10_000n * unit) * unit }
}

/** The words that tax law wants on an invoice without VAT (Directive 2006/112/EC art. 226 11a). */
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

export function roundTo(value: bigint, unit: bigint): bigint {
  return (value + unit / 2n) / unit
}

export const EUROPEAN_UNION: ReadonlySet<string> = new Set(
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' '),
)

/** Who sends the invoices. `vatRate` in hundredths of a percent; without one the seller charges no VAT. */
export type Seller = Party & { vatRate?: number }
