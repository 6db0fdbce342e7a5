/** What an invoice says: who owes whom how much, with which tax, until when. Pure. */

import { dueDate, owedOn } from '../ledger/billing/dunning.ts'
import type { CreditNote, DunningTerms, Invoice, InvoiceStanding, Party } from '../ledger/billing/types.ts'
import { roundTo, type Seller, vatOn } from '../ledger/billing/vat.ts'
import type { LineBill } from '../ledger/credit/contract.ts'
import type { Unit } from '../rails/rail.ts'

/** An invoice that has no number yet: one is taken only once it is known that there will be an invoice. */
export type InvoiceDraft = Omit<Invoice, 'id' | 'number'>

/**
 * The invoice over all that a line was charged and no invoice covers, or null while it comes to less than the rail's least: it
 * is then left to the next one. What is below the rail's smallest unit is carried to the next one too.
 */
export function draftInvoice(
  { agent, terms, uninvoiced, carried }: LineBill,
  seller: Seller,
  rail: Unit,
  dunning: DunningTerms,
  now: number,
): InvoiceDraft | null {
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

export function numbered(draft: InvoiceDraft, number: number): Invoice {
  return { ...draft, id: printed(INVOICES, number), number }
}

/** The series that numbers are taken from, as `Numbers` knows them. */
export const INVOICES = 'INV'
export const CREDIT_NOTES = 'CN'

/** What a number is taken for: the same for every try to invoice these statements, so that none is taken in vain. */
export function numberKey({ agent, periods }: Pick<InvoiceDraft, 'agent' | 'periods'>): string {
  return `${agent}:${periods[0]}`
}

/** How much of an invoice a credit note may still take back, without VAT. */
export function creditable({ net, creditedNet }: InvoiceStanding): bigint {
  return net - creditedNet
}

/**
 * How much of an invoice, VAT and all, takes `excess` (without VAT) off it: no more than is owed, in whole units of its rail.
 * Nothing where that would be VAT alone, by rounding.
 */
export function releasable(invoice: InvoiceStanding, excess: bigint, unit: bigint): bigint {
  const { net, total, credited } = invoice
  const gross = excess < creditable(invoice) ? (excess * total) / net : total - credited
  const owed = owedOn(invoice)
  const most = gross < owed ? gross : owed
  const whole = most - (most % unit)
  return whole * net >= total || whole === total - credited ? whole : 0n
}

/**
 * A credit note over `net`, with its share of the invoice's VAT in whole units of the rail; the last one takes what is left.
 * @throws RangeError when the invoice has less left, since it would turn the debt around
 */
export function draftNote(
  invoice: InvoiceStanding,
  note: { net: bigint; unit: bigint; reason: string; number: number; now: number },
): CreditNote {
  const { net, unit } = note
  const left = creditable(invoice)
  if (net <= 0n || net > left) throw new RangeError(`${invoice.id} has ${left} left to credit, not ${net}`)
  const leftVat = invoice.vat.amount - (invoice.credited - invoice.creditedNet)
  const share = roundTo(invoice.vat.amount * net, invoice.net * unit) * unit
  return noteOn(invoice, { ...note, vat: net === left || share > leftVat ? leftVat : share })
}

/**
 * A credit note over `total`, VAT and all, of which the invoice's share is VAT.
 * @throws RangeError when the invoice has less left
 */
export function draftNoteOver(
  invoice: InvoiceStanding,
  note: { total: bigint; reason: string; number: number; now: number },
): CreditNote {
  const { total } = note
  const left = invoice.total - invoice.credited
  if (total <= 0n || total > left)
    throw new RangeError(`${invoice.id} has ${left} left to credit, not ${total}`)
  const leftNet = creditable(invoice)
  const share = (total * invoice.net) / invoice.total
  // What earlier notes were rounded by must leave neither net nor VAT below nothing.
  const net = clamp(share, total - (left - leftNet), leftNet)
  return noteOn(invoice, { ...note, net, vat: total - net })
}

function clamp(value: bigint, least: bigint, most: bigint): bigint {
  if (value < least) return least
  return value > most ? most : value
}

type Note = { net: bigint; vat: bigint; reason: string; number: number; now: number }

function noteOn({ id: invoice }: InvoiceStanding, { net, vat, reason, number, now }: Note): CreditNote {
  const id = printed(CREDIT_NOTES, number)
  return { id, number, invoice, issuedAt: now, reason, net, vat, total: net + vat }
}

function printed(series: string, number: number): string {
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
