/** Webhooks to the operator: signed POSTs, which the operator's endpoint accepts with any 2xx. */
import { hmacHex } from './digest.ts'
import { log } from './log.ts'
import { cutSecrets, secretsOfUrl } from './secrets.ts'

const TIMEOUT_MS = 5_000

/** The body of a webhook: an event as JSON, or `{"text"}` as Slack's incoming webhooks take it. */
export type WebhookFormat = 'generic' | 'slack'

/** The longest text in Slack's form, in characters. The rest is cut. */
const MAX_TEXT_CHARS = 3_000

/** Where the operator receives webhooks, in which form, and the secret that signs them. `now`: Unix milliseconds. */
export type Webhook = {
  url: string
  secret: string
  format?: WebhookFormat
  fetch?: typeof fetch
  now: () => number
}

/** An event for the operator. A repeated event has the same `id`. `at` in Unix milliseconds, amounts as decimal strings. */
export type WebhookEvent = { id: string; type: string; at: number } & Record<string, string | number>

/**
 * Sends one event. Returns whether it was accepted; if not, the caller sends it again later. Never throws. `text` states the
 * event for people, in Slack's form; by default it lists the event's members.
 */
export async function sendWebhook(
  { url, secret, format = 'generic', fetch: reach = fetch, now }: Webhook,
  event: WebhookEvent,
  text: string = textOf(event),
): Promise<boolean> {
  const body = JSON.stringify(format === 'slack' ? { text: slackText(text) } : event)
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
    log('webhook_unreachable', { id, fault })
    return false
  }
}

/** The members of an event in one line: `invoice.past_due: agent acme-bot, invoice INV-000042, …`. */
function textOf({ id: _, type, at: __, ...members }: WebhookEvent): string {
  const list = Object.entries(members).map(([name, value]) => `${name} ${value}`)
  return `${type}: ${list.join(', ')}`
}

/**
 * Text for Slack, cut to its length. Threat: a name that a stranger chose must neither mention a channel (`<!channel>`) nor make
 * a link, so Slack's three control characters are escaped.
 */
function slackText(text: string): string {
  const cut = text.length <= MAX_TEXT_CHARS ? text : `${text.slice(0, MAX_TEXT_CHARS - 1)}…`
  return cut.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/**
 * Signs a webhook: `t=<Unix seconds>,v1=<hex>`, an HMAC-SHA256 over `<t>.<body>`. `time` is in seconds. The receiver
 * should reject old signatures and ids that it has processed.
 */
export async function signWebhook(body: string, secret: string, time: number): Promise<string> {
  return `t=${time},v1=${await hmacHex(secret, `${time}.${body}`)}`
}
