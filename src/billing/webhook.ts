/** Signed webhooks to the operator: one for each dunning step, sent until it was taken. */
import type { DunningStep } from '../ledger/billing/types.ts'

/** Where the operator listens, and the secret that signs what is sent there. */
export type Webhook = { url: string; secret: string; fetch?: typeof fetch; now: () => number }

const TIMEOUT_MS = 5_000

/**
 * Tells the operator of each step. Answers the ids of those that were taken (any 2xx); the others are to be sent again, with
 * the same id. Without a webhook all count as told: they stand in the line's journal.
 */
export async function notify(steps: readonly DunningStep[], webhook: Webhook | null): Promise<string[]> {
  const told: string[] = []
  for (const step of steps) {
    if (!webhook || (await send(step, webhook))) told.push(step.id)
  }
  return told
}

async function send(
  step: DunningStep,
  { url, secret, fetch: reach = fetch, now }: Webhook,
): Promise<boolean> {
  const { id, stage, agent, invoice, at, open } = step
  const body = JSON.stringify({ id, type: `invoice.${stage}`, agent, invoice, at, open: open.toString() })
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
      JSON.stringify({ message: 'the operator’s webhook cannot be reached', id, fault: String(fault) }),
    )
    return false
  }
}

/** `t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 over `<t>.<body>`. The receiver refuses what is old, and what it has seen. */
export async function signWebhook(body: string, secret: string, time: number): Promise<string> {
  const encoder = new TextEncoder()
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign'])
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(`${time}.${body}`)))
  return `t=${time},v1=${Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
