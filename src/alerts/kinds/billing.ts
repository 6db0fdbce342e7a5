/** Alerts about payers on credit: suspended agents, failed payments and disputes, invoices past due. */

import { owedOn } from '../../ledger/billing/dunning.ts'
import { showUsd } from '../../protocol/amount.ts'
import type { AlertCondition } from '../alert.ts'
import type { AlertFacts } from '../facts.ts'
import { type AlertKind, API } from './kind.ts'

type InvoiceFact = NonNullable<AlertFacts['invoices']>[number]

/** Why a line accepts no charge, in words. */
const STOPPED: Readonly<Partial<Record<string, string>>> = {
  credit_suspended: 'its credit is suspended',
  credit_unpaid: 'an invoice could not be collected',
}

/** A credit line accepts no charge: the operator has suspended its agent, or an invoice is unpaid. */
export const agentSuspended: AlertKind = {
  name: 'agent_suspended',
  find: ({ closed }) =>
    closed?.map(({ id, name, closed: reason }) => ({
      subject: id,
      severity: 'warning',
      figure: `${name}: ${STOPPED[reason] ?? reason}`,
      link: `${API}/agents/${id}`,
    })) ?? null,
}

/** A payment failed, was disputed or was returned, and nothing has replaced it. */
export const paymentFailed: AlertKind = {
  name: 'payment_failed',
  find: ({ invoices }) =>
    invoices?.filter(({ failedAt }) => failedAt !== null).flatMap((invoice) => ofInvoice(invoice)) ?? null,
}

/** An invoice is past due. */
export const pastDue: AlertKind = {
  name: 'past_due',
  find: ({ invoices }) =>
    invoices
      ?.filter(({ stage, failedAt }) => (stage === 'past_due' || stage === 'suspended') && failedAt === null)
      .flatMap((invoice) => ofInvoice(invoice)) ?? null,
}

/** A written-off invoice is neither dunned nor an alert. */
function ofInvoice(invoice: InvoiceFact): AlertCondition[] {
  const owed = owedOn(invoice)
  if (owed === 0n || invoice.stage === 'written_off') return []
  const figure = `${invoice.agent} owes ${showUsd(owed)}, stage ${invoice.stage}`
  return [{ subject: invoice.id, severity: 'warning', figure, link: `${API}/invoices/${invoice.id}` }]
}
