/** Dunning: takes the steps that are due, and sends each to the operator's webhook until it answers 2xx. */
import type { DunningStep } from '../ledger/billing/types.ts'
import type { BillSettings, CreditLineStub, Webhook } from './context.ts'

const TIMEOUT_MS = 5_000

/**
 * Takes the steps that are due on a credit line, and delivers the pending ones. Returns all that were pending,
 * delivered or not. Steps of the `held` invoices wait: their rail must be read first.
 */
export async function dunLine(
  { dunning, webhook }: Pick<BillSettings, 'dunning' | 'webhook'>,
  line: CreditLineStub,
  now: number,
  held: ReadonlySet<string> = new Set(),
): Promise<DunningStep[]> {
  const steps = await line.dun(now, dunning)
  const delivered = await deliver(
    steps.filter(({ invoice }) => !held.has(invoice)),
    webhook,
  )
  if (delivered.length > 0) await line.notified(delivered)
  return steps
}

/**
 * Sends each step to the webhook. Returns the ids of those that were accepted (any 2xx); the caller sends the others
 * again, with the same ids. Without a webhook all count as delivered: they are in the line's journal.
 */
export async function deliver(steps: readonly DunningStep[], webhook: Webhook | null): Promise<string[]> {
  const delivered: string[] = []
  for (const step of steps) {
    if (!webhook || (await send(step, webhook))) delivered.push(step.id)
  }
  return delivered
}

function send({ id, stage, agent, invoice, at, open }: DunningStep, webhook: Webhook): Promise<boolean> {
  return notify({ id, type: `invoice.${stage}`, agent, invoice, at, open: open.toString() }, webhook)
}

/**
 * Sends a notice to the operator's webhook, signed. Returns whether it was accepted (any 2xx). A notice that is sent again
 * has the same id.
 */
export async function notify(
  notice: { id: string; type: string } & Record<string, string | number>,
  { url, secret, fetch: reach = fetch, now }: Webhook,
): Promise<boolean> {
  const body = JSON.stringify(notice)
  try {
    const response = await reach(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'tab402-signature': await signWebhook(body, secret, Math.floor(now() / 1000)),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body?.cancel()
    return response.ok
  } catch (fault) {
    console.warn(
      JSON.stringify({
        message: 'webhook unreachable, retrying in the next run',
        id: notice.id,
        fault: String(fault),
      }),
    )
    return false
  }
}

/**
 * Signs a webhook: `t=<Unix seconds>,v1=<hex>`, an HMAC-SHA256 over `<t>.<body>`. `time` is in seconds. The receiver
 * should reject old signatures and ids that it has processed.
 */
export async function signWebhook(body: string, secret: string, time: number): Promise<string> {
  const encoder = new TextEncoder()
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign'])
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(`${time}.${body}`)))
  return `t=${time},v1=${Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
