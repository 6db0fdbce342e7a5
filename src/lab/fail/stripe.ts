/** Faults of Stripe: of its API, and of its webhooks. */
import type { LabStage } from '../stage.ts'
import type { Mend, StripeFailure, Times, WebhookFault } from './fail.ts'

/** Lets calls of the API fail. `of`: the requests, as `METHOD /path`; all by default. */
export async function failStripe(
  { stripe }: LabStage,
  fault: StripeFailure,
  { times = Number.POSITIVE_INFINITY, of = /^/ }: Times & { of?: RegExp } = {},
): Promise<Mend> {
  const end = stripe.fail(of, fault, times)
  return async () => end()
}

/** Changes how webhooks arrive. Late ones arrive when it is mended. */
export async function failWebhooks({ stripe }: LabStage, fault: WebhookFault): Promise<Mend> {
  await stripe.setWebhooks(fault)
  return () => stripe.setWebhooks('prompt')
}
