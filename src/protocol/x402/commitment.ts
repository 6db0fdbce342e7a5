/** Commitments on the wire (x402 `batch-settlement`, credit-backed): an amount, promised by signing the request. */
import * as v from 'valibot'
import { parseAmount } from '../amount.ts'
import { accept, type Result, refuse } from '../refusal.ts'
import type { PaymentRequirements } from './types.ts'

/** A billing network, `<operator>:402`. `unit` is the value of one unit of its amounts, in micro-dollars. */
export type CreditNetwork = { id: string; unit: bigint; words: Record<string, unknown> }

/** The promise of an agent. `amount` in units of its network, or for Pay Per Crawl in micro-dollars. */
export type CreditPayload = { amount: bigint }

/** The offer that the payer echoes. A first request, sent before any 402, may leave out parts. */
export type CreditAccepted = Omit<PaymentRequirements, 'maxTimeoutSeconds' | 'extra'> &
  Partial<Pick<PaymentRequirements, 'maxTimeoutSeconds' | 'extra'>>

/** The `asset` of every amount on credit. */
export const ASSET = 'USD'
const VERSION = '1.0.0'

/** The network of Cloudflare's own billing, for interop: it counts cents, so prices are rounded up. */
export const CLOUDFLARE = 'cloudflare:402'

const NETWORK = /^[-a-z0-9]{3,16}:402$/

/** `extensions` of a 402 that accepts commitments (x402 extension http-message-signatures; `schema` is left out to save bytes). */
export function signatureExtension(registrationUrl: string): Record<string, unknown> {
  const signatureSchemes = ['ed25519', 'ecdsa-p256-sha256', 'rsa-pss-sha512']
  return {
    'http-message-signatures': { info: { registrationUrl, signatureSchemes, tags: ['web-bot-auth'] } },
  }
}

/**
 * `Accept-Signature` (RFC 9421 §5.1): the components that a commitment should cover. Without method and target, or a nonce, it is
 * valid for any one page of the site until it expires.
 */
export const ACCEPT_SIGNATURE =
  'tab402=("@authority" "@method" "@target-uri" "signature-agent" "payment-signature");created;expires;keyid;nonce;tag="web-bot-auth"'

/** Whether an id is of a billing network. */
export function isCreditNetwork(id: string): boolean {
  return NETWORK.test(id)
}

/** The billing network with an id: cents for Cloudflare's, micro-dollars for all others. */
export function creditNetwork(id: string): CreditNetwork {
  return id === CLOUDFLARE
    ? { id, unit: 10_000n, words: { version: VERSION, unit: 'cent', decimals: 2, rounding: 'up' } }
    : { id, unit: 1n, words: { version: VERSION, unit: 'micro-dollar', decimals: 6 } }
}

/** A price in units of the network, rounded up. */
export function inUnits(price: bigint, { unit }: CreditNetwork): bigint {
  return (price + unit - 1n) / unit
}

const envelope = v.object({
  accepted: v.object({
    scheme: v.string(),
    network: v.string(),
    amount: v.string(),
    asset: v.string(),
    payTo: v.string(),
    maxTimeoutSeconds: v.exactOptional(v.number()),
    extra: v.exactOptional(v.record(v.string(), v.unknown())),
  }),
  payload: v.object({ amount: v.string(), asset: v.literal(ASSET) }),
})

/** Reads a commitment's envelope: its shape, and that it promises what it says it accepts. */
export function readCommitment(json: unknown): Result<{ accepted: CreditAccepted; payload: CreditPayload }> {
  const known = v.safeParse(envelope, json)
  if (!known.success) return refuse('commitment_payload')
  const { accepted, payload } = known.output
  const amount = parseAmount(payload.amount)
  if (amount === undefined) return refuse('commitment_payload')
  return accept({ accepted, payload: { amount } })
}
