/** The settings of webhooks to the operator: where they go, in which form, and the secret that signs them. */
import * as v from 'valibot'
import type { Expected } from '../platform/problem.ts'
import type { WebhookFormat } from '../platform/webhook.ts'
import { shaped, urls } from './fields.ts'

/** Where one webhook goes. */
export type WebhookConfig = { url: string; secret: string; format: WebhookFormat }

/** How the settings of webhooks must look. */
export const WEBHOOK_EXPECTED = {
  WEBHOOK_URL: {
    want: 'the https URL that receives alerts and dunning events, or up to 4 with commas between',
    example: '"https://hooks.example.com/tab402"',
  },
  WEBHOOK_SECRET: {
    want: '16 to 256 printable ASCII characters without spaces',
    example: 'the output of openssl rand -hex 32',
  },
  WEBHOOK_FORMAT: { want: '"generic" or "slack"', example: '"slack"' },
} as const satisfies Record<string, Expected>

/** The schemas of the settings of webhooks, by name. */
export const webhookSettings = {
  WEBHOOK_URL: v.optional(urls),
  WEBHOOK_SECRET: v.optional(shaped(/^[!-~]{16,256}$/)),
  WEBHOOK_FORMAT: v.optional(v.picklist(['generic', 'slack'])),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof webhookSettings, undefined>>

/** The webhooks of the settings. Without WEBHOOK_FORMAT, a URL at Slack gets Slack's form. */
export function webhooksIn({
  WEBHOOK_URL,
  WEBHOOK_SECRET: secret,
  WEBHOOK_FORMAT,
}: Settings): WebhookConfig[] {
  if (!WEBHOOK_URL || !secret) return []
  return WEBHOOK_URL.map((url) => {
    const { hostname } = new URL(url)
    const format = WEBHOOK_FORMAT ?? (hostname === 'hooks.slack.com' ? 'slack' : 'generic')
    return { url, secret, format }
  })
}

/** The webhooks of vars that may be faulty otherwise: a Worker that serves nothing must still send its alert. */
export function webhooksOf(vars: object): WebhookConfig[] {
  const read = v.safeParse(v.object(webhookSettings), vars)
  return read.success ? webhooksIn(read.output) : []
}
