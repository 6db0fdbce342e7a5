/** x402 v1: `X-PAYMENT`, the JSON body of a 402 and `X-PAYMENT-RESPONSE`. */
import { accept, type Reason, type Result, refuse, wire } from '../../protocol/refusal.ts'
import type { PaymentRequirements, ResourceInfo } from '../../protocol/x402/types.ts'
import { encodeReceiptV1, paymentRequiredV1, readEnvelopeV1 } from '../../protocol/x402/v1.ts'
import { SCHEME_NAMES, SCHEMES } from '../../schemes/index.ts'
import { type Dialect, fitting, form, type Paid } from './dialect.ts'

/** Reads `X-PAYMENT`. Only its shape is read. */
export function parsePaymentV1(header: string): Result<Paid> {
  const envelope = readEnvelopeV1(header)
  if (!envelope.ok) return envelope
  for (const scheme of SCHEME_NAMES) {
    const read = SCHEMES[scheme].readV1?.(envelope.value)
    if (read) return read.ok ? accept({ scheme, payment: read.value }) : read
  }
  return refuse('no_matching_offer')
}

/** x402 version 1. */
export const x402v1: Dialect = {
  pays: (headers) => headers.has('x-payment'),

  read: (headers) => parsePaymentV1(headers.get('x-payment') ?? ''),

  challenge({ accepts, about }) {
    const plain = form((url) => bodyOf('payment_required', { url, ...about }, accepts))
    return {
      body: ({ url, reason, note }) =>
        reason === 'payment_required' && note === undefined
          ? plain(fitting(url))
          : JSON.stringify(bodyOf(reason, { url: fitting(url), ...about }, accepts, note)),
    }
  },

  receipt: (receipt) => ['x-payment-response', encodeReceiptV1(receipt)],
}

function bodyOf(reason: Reason, resource: ResourceInfo, accepts: PaymentRequirements[], note?: string) {
  const { code, sentence } = wire(reason)
  return {
    ...paymentRequiredV1(code, resource, accepts),
    message: note === undefined ? sentence : `${sentence} ${note}`,
  }
}
