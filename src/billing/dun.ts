/** Dunning: takes the steps that are due, and sends each to the operator's webhook until it answers 2xx. */
import type { DunningStep } from '../ledger/billing/types.ts'
import type { Dunned } from '../ledger/credit/contract.ts'
import { sendWebhook, type Webhook } from '../platform/webhook.ts'
import type { BillSettings, CreditLineStub } from './context.ts'

/**
 * Takes the steps that are due on a credit line, and delivers the pending ones. Returns all that were pending,
 * delivered or not, and the overpayments that no run has named. Steps that `mayTell` excludes wait for a later call.
 */
export async function dunLine(
  { dunning, webhook }: Pick<BillSettings, 'dunning' | 'webhook'>,
  line: CreditLineStub,
  now: number,
  mayTell: (step: DunningStep) => boolean,
): Promise<Dunned> {
  const dunned = await line.dun(now, dunning)
  // The steps of one invoice are delivered in order.
  const left = new Set<string>()
  const ready = dunned.pendingSteps.filter((step) => {
    if (!mayTell(step)) left.add(step.invoice)
    return !left.has(step.invoice)
  })
  await notify(ready, webhook, line)
  return dunned
}

/** Delivers the pending steps of one invoice, and takes none that are due by time. */
export async function tellPending(
  { webhook }: Pick<BillSettings, 'webhook'>,
  line: CreditLineStub,
  invoice: string,
): Promise<void> {
  const { pendingSteps } = await line.bill()
  await notify(
    pendingSteps.filter((step) => step.invoice === invoice),
    webhook,
    line,
  )
}

async function notify(
  steps: readonly DunningStep[],
  webhook: Webhook | null,
  line: CreditLineStub,
): Promise<void> {
  const delivered = await deliver(steps, webhook)
  if (delivered.length > 0) await line.notified(delivered)
}

/**
 * Sends each step to the webhook. Returns the ids of those that were accepted (any 2xx); the caller sends the others
 * again, with the same ids. Without a webhook all count as delivered: they are in the line's journal.
 */
export async function deliver(steps: readonly DunningStep[], webhook: Webhook | null): Promise<string[]> {
  const delivered: string[] = []
  for (const step of steps) {
    if (!webhook || (await sendWebhook(webhook, eventOf(step)))) delivered.push(step.id)
  }
  return delivered
}

/** The step as an event of the webhook. */
function eventOf({ id, stage, agent, invoice, at, open }: DunningStep) {
  return { id, type: `invoice.${stage}`, agent, invoice, at, open: open.toString() }
}
