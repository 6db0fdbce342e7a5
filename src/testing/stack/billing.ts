/** Settings with which the local Worker gives credit and sends bills: a seller, its key, its address, and the local Stripe. */
import { createServer } from 'node:net'

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

/** Ports below those that systems give to outgoing connections: 32,768 on Linux, 49,152 elsewhere. */
const PORTS = { first: 20_000, count: 12_000 }

/**
 * A port that is free now. The Worker's address is on its invoices, so it must be known before the Worker starts. If another
 * process takes the port in between, only the start fails. Trap: an outgoing connection may take a port of their range at any
 * moment, so this one is below it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
