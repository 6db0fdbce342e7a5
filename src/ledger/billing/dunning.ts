/** When an unpaid invoice is due, past due, suspended, written off, and what that means for its line. Pure. */
import { DAY_MS } from '../../platform/time.ts'
import type { DunningTerms, InvoiceStanding, Stage } from './types.ts'

const ORDER: readonly Stage[] = ['open', 'due', 'past_due', 'suspended', 'written_off']

type Standing = Pick<
  InvoiceStanding,
  'total' | 'paid' | 'credited' | 'dueAt' | 'failedAt' | 'stage' | 'presented'
>

/** What is still owed, with VAT. Never below zero: what was paid too much is no debt of the payer's. */
export function owedOn({
  total,
  paid,
  credited,
}: Pick<InvoiceStanding, 'total' | 'paid' | 'credited'>): bigint {
  const owed = total - paid - credited
  return owed > 0n ? owed : 0n
}

/** When a stage begins that is reached by time alone. */
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

/** When an invoice of `issuedAt` is due. */
export function dueDate(issuedAt: number, { net }: DunningTerms): number {
  return issuedAt + net * DAY_MS
}

/**
 * The stages to be taken now, in order, each once. An invoice that owes nothing is settled at once; one that never reached its
 * payer is not dunned. One whose payment failed is
 * at least past due (faults: C13). A stage that was reached stays, whatever becomes of the terms; only money leads
 * back, and a settled invoice whose payment is taken back opens anew.
 */
export function stagesDue(invoice: Standing, terms: DunningTerms, now: number): Stage[] {
  if (owedOn(invoice) === 0n) return invoice.stage === 'settled' ? [] : ['settled']
  if (invoice.presented === null) return []
  const from = ORDER.indexOf(invoice.stage)
  const byTime = ORDER.findLastIndex((stage) => stageBegins(stage, invoice.dueAt, terms) <= now)
  const least = invoice.failedAt === null ? 0 : ORDER.indexOf('past_due')
  return ORDER.slice(from + 1, Math.max(byTime, least) + 1)
}

/** Why a line may not be charged, if an invoice of it forbids that. */
export function cutOff(invoices: readonly Pick<InvoiceStanding, 'stage' | 'failedAt'>[]): CutOff | null {
  if (invoices.some(({ stage }) => stage === 'suspended' || stage === 'written_off')) return 'suspended'
  return invoices.some(({ stage, failedAt }) => stage === 'past_due' && failedAt !== null)
    ? 'payment_failed'
    : null
}

export type CutOff = 'suspended' | 'payment_failed'

/**
 * What of the payments pays for charges: all of the net amount once nothing is owed, its share before that, rounded down. What
 * is paid too much, or was paid before a credit note, is the payer's and redeems nothing; nor does a payment that was both given
 * back and disputed, which has taken more back than came in.
 */
export function redeemedBy(
  invoice: Pick<InvoiceStanding, 'total' | 'paid' | 'credited' | 'net' | 'creditedNet'>,
): bigint {
  const { net, creditedNet, total, credited, paid } = invoice
  if (owedOn(invoice) === 0n) return net - creditedNet
  return paid > 0n ? (paid * (net - creditedNet)) / (total - credited) : 0n
}
