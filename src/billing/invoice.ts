/** Drafts invoices: seller, payer, lines, VAT and due date. Pure. */

import { dueDate } from '../ledger/billing/dunning.ts'
import type { Draft, DunningTerms, Invoice, Party } from '../ledger/billing/types.ts'
import { type Seller, vatOn } from '../ledger/billing/vat.ts'
import type { LineBill } from '../ledger/credit/contract.ts'
import type { Unit } from '../rails/rail.ts'

/**
 * Drafts the invoice over all statements of a credit line that no invoice covers. Null while it comes to less than the
 * rail's smallest invoice; the statements then wait for the next one. The part below the rail's unit is carried to the
 * next invoice.
 */
export function draftInvoice(
  { agent, terms, uninvoiced, carried }: LineBill,
  seller: Seller,
  rail: Unit,
  dunning: DunningTerms,
  now: number,
): Draft | null {
  const [first, last] = [uninvoiced[0], uninvoiced.at(-1)]
  const charged = uninvoiced.reduce((sum, { total }) => sum + total, 0n)
  const owed = carried + charged
  const net = owed - (owed % rail.unit)
  if (!first || !last || net <= 0n || net < rail.least) return null
  const vat = vatOn(net, seller, terms.buyer, rail.unit)
  return {
    agent,
    periods: uninvoiced.map(({ period }) => period.id),
    from: first.period.from,
    to: last.period.to,
    issuedAt: now,
    dueAt: dueDate(now, dunning),
    seller: partyOf(seller),
    buyer: terms.buyer,
    rail: terms.rail,
    charged,
    carriedIn: carried,
    carriedOut: owed - net,
    net,
    vat,
    total: net + vat.amount,
  }
}

/** Gives a draft its number, and the id that is printed on it. */
export function numbered(draft: Draft, number: number): Invoice {
  return { ...draft, id: documentId(INVOICES, number), number }
}

/** The series of invoice numbers, by its name in `Numbers`. */
export const INVOICES = 'INV'

/** The series of credit note numbers, by its name in `Numbers`. */
export const CREDIT_NOTES = 'CN'

/** The key under which a number is taken. A retry for the same statements gets the same number. */
export function numberKey({ agent, periods }: Pick<Draft, 'agent' | 'periods'>): string {
  return `${agent}:${periods[0]}`
}

/** The id of a document, for example `INV-000042`. */
export function documentId(series: string, number: number): string {
  return `${series}-${String(number).padStart(6, '0')}`
}

function partyOf({ name, country, address, taxId, email }: Seller): Party {
  return {
    name,
    country,
    ...(address !== undefined && { address }),
    ...(taxId !== undefined && { taxId }),
    ...(email !== undefined && { email }),
  }
}
