/** x402 v1 on the wire: the body of a 402, `X-PAYMENT` and `X-PAYMENT-RESPONSE`. Only `exact` exists there. */
import * as v from 'valibot'
import { networks, networksV1 } from '../evm/network.ts'
import { accept, type Result, refuse } from '../refusal.ts'
import { decodeHeader, encodeHeader } from './header.ts'
import { checkVersion, read } from './payload.ts'
import type { PaymentRequirements, ResourceInfo, SettleResponse } from './types.ts'
import { EXACT } from './types.ts'

/** One entry of `accepts`. v1 clients validate every entry and throw on a foreign one; `mimeType` must be there. */
export type PaymentRequirementsV1 = {
  scheme: 'exact'
  network: string
  maxAmountRequired: string
  resource: string
  description: string
  mimeType: string
  outputSchema?: Record<string, unknown>
  payTo: string
  maxTimeoutSeconds: number
  asset: string
  /** The EIP-712 `name` and `version` of the token. */
  extra: Record<string, unknown>
}

/** The JSON body of a 402. */
export type PaymentRequiredV1 = { x402Version: 1; error: string; accepts: PaymentRequirementsV1[] }

/** The v1 body with the content of a v2 header, without offers that v1 cannot express. */
export function paymentRequiredV1(
  error: string,
  resource: ResourceInfo,
  accepts: PaymentRequirements[],
): PaymentRequiredV1 {
  const entries = accepts.flatMap((offer) => {
    const network = networks.get(offer.network)?.nameV1
    if (offer.scheme !== EXACT || !network) return []
    const { amount: maxAmountRequired, asset, payTo, maxTimeoutSeconds, extra } = offer
    const { url, description = '', mimeType = '' } = resource
    return [
      {
        scheme: EXACT,
        network,
        maxAmountRequired,
        resource: url,
        description,
        mimeType,
        payTo,
        maxTimeoutSeconds,
        asset,
        extra,
      } as const,
    ]
  })
  return { x402Version: 1, error, accepts: entries }
}

const envelope = v.object({
  scheme: v.string(),
  network: v.string(),
  payload: v.record(v.string(), v.unknown()),
})

/** A v1 payment before its scheme has read the payload. `network` in CAIP-2. */
export type EnvelopeV1 = { scheme: string; network: string; payload: Record<string, unknown> }

/** Reads `X-PAYMENT`: its shape, and its network by the name that v1 has for it. */
export function readEnvelopeV1(header: string): Result<EnvelopeV1> {
  const json = decodeHeader(header)
  if (!json.ok) return json
  const version = checkVersion(json.value, 1)
  if (!version.ok) return version
  const known = read(envelope, json.value)
  if (!known.ok) return known
  const { scheme, payload } = known.value
  const network = networksV1.get(known.value.network)?.id
  return network ? accept({ scheme, network, payload }) : refuse('no_matching_offer')
}

/** `X-PAYMENT-RESPONSE`: the four words of a receipt that v1 knows. */
export function encodeReceiptV1({ success, transaction, network, payer }: SettleResponse): string {
  return encodeHeader({ success, transaction, network: networks.get(network)?.nameV1 ?? network, payer })
}
