/** Types and constants of x402 on the wire. */

/** The `scheme` of one-time payments on the wire. */
export const EXACT = 'exact'

/** The `scheme` of channels on the wire. */
export const CHANNEL = 'batch-settlement'

/** The `resource` of a 402: the page that the offers are for. */
export type ResourceInfo = { url: string; description?: string; mimeType?: string }

/** One entry of `accepts`: an offer. `amount` in atomic units, canonical decimal; `network` in CAIP-2. */
export type PaymentRequirements = {
  scheme: string
  network: string
  amount: string
  asset: string
  payTo: string
  maxTimeoutSeconds: number
  extra: Record<string, unknown>
}

/** `PAYMENT-REQUIRED`. */
export type PaymentRequired = {
  x402Version: 2
  error?: string
  resource: ResourceInfo
  accepts: PaymentRequirements[]
  extensions?: Record<string, unknown>
}

/** `PAYMENT-RESPONSE`. `transaction` is empty when nothing moved on chain; every amount is a decimal string. */
export type SettleResponse = {
  success: boolean
  transaction: string
  network: string
  payer?: string
  amount?: string
  asset?: string
  errorReason?: string
  errorMessage?: string
  extensions?: Record<string, unknown>
  extra?: Record<string, unknown>
}
