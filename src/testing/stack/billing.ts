/** What the local Worker must know to give credit and send bills: a seller, its key, its address, and the local Stripe. */
import { type AddressInfo, createServer } from 'node:net'

export type BillingFacts = {
  /** Where the Worker is reached, without a slash at the end. */
  publicUrl: string
  /** The JWK that signs statements. */
  operatorKey: string
  stripeUrl: string
}

/** What the local Stripe and the Worker share. They guard nothing: both are on this machine only. */
export const STRIPE_KEYS = { secretKey: 'sk_test_tab402_local', webhookSecret: 'whsec_tab402_local' }

/** Vars and secrets: a fictitious publisher in Germany that gives its crawlers credit. */
export function billingVars({ publicUrl, operatorKey, stripeUrl }: BillingFacts): Record<string, string> {
  return {
    SCHEMES: JSON.stringify(['channel', 'exact', 'credit']),
    REGISTRATION_URL: 'https://tally-and-ink.example/crawlers',
    SELLER: JSON.stringify({
      name: 'Tally & Ink',
      country: 'DE',
      address: 'Kerbholzgasse 4, 10115 Berlin',
      taxId: 'DE402402402',
      vat: '19%',
    }),
    OPERATOR_KEY: operatorKey,
    PUBLIC_URL: publicUrl,
    TRANSFER_TO: 'Tally & Ink, IBAN DE02 1203 0000 0000 2020 51',
    STRIPE_API: stripeUrl,
    STRIPE_SECRET_KEY: STRIPE_KEYS.secretKey,
    STRIPE_WEBHOOK_SECRET: STRIPE_KEYS.webhookSecret,
  }
}

/**
 * A port that nobody listens on now. The Worker's address stands on its invoices, so that it is known before the Worker runs:
 * who takes the port in between makes the start fail, and nothing else.
 */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}
