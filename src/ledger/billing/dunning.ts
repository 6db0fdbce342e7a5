/** Dunning: the stages of an unpaid invoice, and when they block a credit line. Pure. */
import { DAY_MS } from '../../platform/time.ts'
import type { DunningTerms, InvoiceStanding, Stage } from './types.ts'

const ORDER: readonly Stage[] = ['open', 'due', 'past_due', 'suspended', 'written_off']

type Standing = Pick<
  InvoiceStanding,
  'total' | 'paid' | 'credited' | 'dueAt' | 'failedAt' | 'stage' | 'presented'
>

/** Returns the amount still owed, with VAT, in micro-dollars. 0 for an overpaid invoice. */
export function owedOn({
  total,
  paid,
  credited,
}: Pick<InvoiceStanding, 'total' | 'paid' | 'credited'>): bigint {
  const owed = total - paid - credited
  return owed > 0n ? owed : 0n
}

/** Returns what was paid and credited beyond the total, with VAT, in micro-dollars; 0 for other invoices. */
export function overpaidOn({
  total,
  paid,
  credited,
}: Pick<InvoiceStanding, 'total' | 'paid' | 'credited'>): bigint {
  const over = paid + credited - total
  return over > 0n ? over : 0n
}

/** Returns when a stage begins by time alone, in Unix milliseconds; -Infinity for `open` and `settled`. */
export function stageBegins(stage: Stage, dueAt: number, terms: DunningTerms): number {
  switch (stage) {
    case 'due':
      return dueAt
    case 'past_due':
      return dueAt + terms.pastDue * DAY_MS
    case 'suspended':
      return dueAt + terms.suspended * DAY_MS
    case 'written_off':
      return dueAt + terms.writtenOff * DAY_MS
    default:
      return Number.NEGATIVE_INFINITY
  }
}

/**
 * Whether a run at `now` (Unix milliseconds) asks the rail about an invoice. One that was written off is asked about after 1, 2,
 * 4, 8 … days: its payment is then unlikely, and the rail's own events report it too. With a credit note it is asked about in
 * each run, since the rail may lack the note.
 */
export function isAsked(
  { stage, dueAt, credited }: Pick<Standing, 'stage' | 'dueAt' | 'credited'>,
  terms: DunningTerms,
  now: number,
): boolean {
  const days = Math.floor((now - stageBegins('written_off', dueAt, terms)) / DAY_MS)
  return stage !== 'written_off' || credited > 0n || days < 1 || Number.isInteger(Math.log2(days))
}

/** Returns when an invoice is due, in Unix milliseconds. */
export function dueDate(issuedAt: number, { net }: DunningTerms): number {
  return issuedAt + net * DAY_MS
}

/**
 * Returns the stages that an invoice reaches by `now` (Unix milliseconds), in order.
 *
 * An invoice that owes 0 is settled at once. One that was never submitted is not dunned. One whose payment
 * failed is at least past due (faults: C13). A reached stage stays, even if the terms change. Only money
 * leads back: a settled invoice reopens if its payment is reversed.
 */
export function stagesDue(invoice: Standing, terms: DunningTerms, now: number): Stage[] {
  if (owedOn(invoice) === 0n) return invoice.stage === 'settled' ? [] : ['settled']
  if (invoice.presented === null) return []
  const from = ORDER.indexOf(invoice.stage)
  const byTime = ORDER.findLastIndex((stage) => stageBegins(stage, invoice.dueAt, terms) <= now)
  const least = invoice.failedAt === null ? 0 : ORDER.indexOf('past_due')
  return ORDER.slice(from + 1, Math.max(byTime, least) + 1)
}

/** Returns the reason why unpaid invoices block a line, or null. */
export function cutOff(invoices: readonly Pick<InvoiceStanding, 'stage' | 'failedAt'>[]): CutOff | null {
  if (invoices.some(({ stage }) => stage === 'suspended' || stage === 'written_off')) return 'suspended'
  return invoices.some(({ stage, failedAt }) => stage === 'past_due' && failedAt !== null)
    ? 'payment_failed'
    : null
}

/**
 * `suspended`: an invoice was suspended or written off. `payment_failed`: its payment failed and it is past
 * due.
 */
export type CutOff = 'suspended' | 'payment_failed'

/**
 * Returns the part of the payments that redeems charges, in micro-dollars: the whole net amount once the
 * invoice owes 0, before that the net share of what was paid, rounded down.
 *
 * An overpayment redeems nothing; it belongs to the payer. Trap: `paid` can be negative, if a payment was
 * both refunded and disputed. It redeems nothing either.
 */
export function redeemedBy(
  invoice: Pick<InvoiceStanding, 'total' | 'paid' | 'credited' | 'net' | 'creditedNet'>,
): bigint {
  const { net, creditedNet, total, credited, paid } = invoice
  if (owedOn(invoice) === 0n) return net - creditedNet
  return paid > 0n ? (paid * (net - creditedNet)) / (total - credited) : 0n
}
