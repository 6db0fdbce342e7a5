/** The amounts of credit notes. Micro-dollars. */
import { owedOn } from './dunning.ts'
import type { InvoiceStanding, NoteDraft } from './types.ts'
import { roundTo } from './vat.ts'

/** How much of an invoice a credit note may still take back. Micro-dollars without VAT. */
export function creditable({ net, creditedNet }: InvoiceStanding): bigint {
  return net - creditedNet
}

/**
 * The amount (with VAT) of the credit note that takes `excess` (without VAT) off an invoice: at most what is owed, in
 * whole units of its rail. Zero if rounding leaves VAT only.
 */
export function releasable(invoice: InvoiceStanding, excess: bigint, unit: bigint): bigint {
  const { net, total, credited, creditedNet, vat } = invoice
  // Earlier notes may have taken more than their share of the VAT: the net part of this one is larger then.
  const share = least((excess * total) / net, excess + vat.amount - (credited - creditedNet))
  const most = least(excess < creditable(invoice) ? share : total - credited, owedOn(invoice))
  const whole = most - (most % unit)
  return whole * net >= total || whole === total - credited ? whole : 0n
}

/**
 * Drafts a credit note over `net`, with its share of the invoice's VAT in whole units of the rail. The last note takes
 * the rest.
 * @throws RangeError when the invoice has less left: a larger note would turn the debt around
 */
export function draftNote(
  invoice: InvoiceStanding,
  note: { net: bigint; unit: bigint; reason: string; now: number },
): NoteDraft {
  const { net, unit } = note
  const left = creditable(invoice)
  if (net <= 0n || net > left)
    throw new RangeError(`a credit note on ${invoice.id} must be above 0 and at most the rest of the invoice`)
  const leftVat = invoice.vat.amount - (invoice.credited - invoice.creditedNet)
  const share = roundTo(invoice.vat.amount * net, invoice.net * unit) * unit
  return noteOn(invoice, { ...note, vat: net === left || share > leftVat ? leftVat : share })
}

/**
 * Drafts a credit note over `total`, which includes VAT in the invoice's proportion.
 * @throws RangeError when the invoice has less left
 */
export function draftNoteOver(
  invoice: InvoiceStanding,
  note: { total: bigint; reason: string; now: number },
): NoteDraft {
  const { total } = note
  const left = invoice.total - invoice.credited
  if (total <= 0n || total > left)
    throw new RangeError(`a credit note on ${invoice.id} must be above 0 and at most the rest of the invoice`)
  const leftNet = creditable(invoice)
  const share = (total * invoice.net) / invoice.total
  // Earlier notes were rounded; neither the net amount nor the VAT that is left may fall below zero.
  const net = clamp(share, total - (left - leftNet), leftNet)
  return noteOn(invoice, { ...note, net, vat: total - net })
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function clamp(value: bigint, least: bigint, most: bigint): bigint {
  if (value < least) return least
  return value > most ? most : value
}

type Note = { net: bigint; vat: bigint; reason: string; now: number }

function noteOn({ id, credited }: InvoiceStanding, { net, vat, reason, now }: Note): NoteDraft {
  return { invoice: id, credited, issuedAt: now, reason, net, vat, total: net + vat }
}
