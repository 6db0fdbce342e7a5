/** Settings with which the local Worker gives credit and sends bills: a seller, its key, its address, and the local Stripe. */
import { type AddressInfo, createServer } from 'node:net'

export type BillingFacts = {
  /** Where the Worker is reached, without a slash at the end. */
  publicUrl: string
  /** The JWK that signs statements. */
  operatorKey: string
  stripeUrl: string
}

/** Keys that the local Stripe and the Worker share. They protect nothing: both run on this machine only. */
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
 * A port that is free now. The Worker's address is on its invoices, so it must be known before the Worker starts. If another
 * process takes the port in between, only the start fails.
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
