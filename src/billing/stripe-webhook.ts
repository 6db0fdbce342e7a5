/** Handles Stripe's webhooks: verifies the signature, skips processed events, and reads the invoice from Stripe. */

import { markProcessed, wasProcessed } from '../ledger/book/webhooks.ts'
import { log } from '../platform/log.ts'
import type { StripeRail } from '../rails/stripe/rail.ts'
import type { BillSettings } from './context.ts'
import { tellPending } from './dun.ts'
import { recheck } from './payments.ts'
import { saveLatest } from './project.ts'

const MAX_BODY_BYTES = 1 << 18

/**
 * Responds 200 when nothing is left to do, 400 unless Stripe has signed the event, 413 to a body over 256 KiB, and 503
 * when Stripe should send it again. The event's id is stored after the work, so that a failed attempt is repeated.
 */
export async function stripeWebhook(
  request: Request,
  settings: BillSettings,
  stripe: StripeRail,
  now: () => number,
): Promise<Response> {
  const body = await textOf(request)
  if (body === null) return new Response(null, { status: 413 })
  try {
    const result = await stripe.readWebhook(body, request.headers.get('stripe-signature'))
    if (result.outcome === 'refused') return new Response(null, { status: 400 })
    if (result.outcome === 'ignored' || (await wasProcessed(settings.book, result.event))) return done()
    const checked = await recheck(settings, result)
    if (checked) {
      const { invoice, findings } = checked
      const line = settings.lines.getByName(result.agent)
      await saveLatest(settings.book, line, invoice)
      // A step that is left leads the next run to the invoice. Steps by time wait for it: it reads all invoices first.
      if (invoice.presented && !findings.some(({ what }) => what === 'rail_failed'))
        await tellPending(settings, line, invoice.id)
    }
    await markProcessed(settings.book, result.event, now())
    return done()
  } catch (fault) {
    log('stripe_webhook_failed', { fault })
    return new Response(null, { status: 503, headers: { 'retry-after': '60' } })
  }
}

function done(): Response {
  return new Response(null, { status: 200 })
}

async function textOf({ body }: Request): Promise<string | null> {
  const decoder = new TextDecoder()
  let [text, size] = ['', 0]
  for await (const part of body ?? []) {
    size += part.byteLength
    if (size > MAX_BODY_BYTES) return null
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}
