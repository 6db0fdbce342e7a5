/** Stripe's webhooks: believed by their signature, worked on once, and followed by a look at Stripe's own state. */

import { saveInvoices } from '../ledger/book/credit.ts'
import { markProcessed, wasProcessed } from '../ledger/book/webhooks.ts'
import type { StripeRail } from '../rails/stripe/rail.ts'
import type { BillSettings } from './context.ts'
import { dunLine } from './nightly.ts'
import { recheck } from './payments.ts'

const LARGEST = 1 << 18

/**
 * Answers 200 when there is nothing left to do, 400 for what Stripe did not send, and 503 when it should be sent again. An event
 * is remembered once its work is done, not before.
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
    const heard = await stripe.hear(body, request.headers.get('stripe-signature'))
    if (heard.outcome === 'refused') return new Response(null, { status: 400 })
    if (heard.outcome === 'ignored' || (await wasProcessed(settings.book, heard.event))) return done()
    const checked = await recheck(settings, heard)
    if (checked) {
      await saveInvoices(settings.book, [checked.invoice])
      await dunLine(settings, settings.lines.getByName(heard.agent), now())
    }
    await markProcessed(settings.book, heard.event, now())
    return done()
  } catch (fault) {
    console.error(JSON.stringify({ message: 'a webhook must come again', fault: String(fault) }))
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
    if (size > LARGEST) return null
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}
