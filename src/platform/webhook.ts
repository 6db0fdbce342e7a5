/** Webhooks to the operator: signed POSTs, which the operator's endpoint accepts with any 2xx. */
import { cutSecrets, secretsOfUrl } from './secrets.ts'

const TIMEOUT_MS = 5_000

/** Where the operator receives webhooks, and the secret that signs them. `now`: Unix milliseconds. */
export type Webhook = { url: string; secret: string; fetch?: typeof fetch; now: () => number }

/** An event for the operator. A repeated event has the same `id`. `at` in Unix milliseconds, amounts as decimal strings. */
export type WebhookEvent = { id: string; type: string; at: number } & Record<string, string | number>

/** Sends one event. Returns whether it was accepted; if not, the caller sends it again later. Never throws. */
export async function sendWebhook(
  { url, secret, fetch: reach = fetch, now }: Webhook,
  event: WebhookEvent,
): Promise<boolean> {
  const body = JSON.stringify(event)
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
  } catch (cause) {
    const { id } = event
    // Many services put the key to an endpoint into its URL, and an error of `fetch` quotes the URL.
    const fault = cutSecrets(String(cause), [secret, ...secretsOfUrl(url)])
    console.warn(JSON.stringify({ message: 'webhook unreachable, retrying later', id, fault }))
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
