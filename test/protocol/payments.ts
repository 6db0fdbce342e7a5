/** The recorded payments, and copies of them with one value changed. */

import { parsePaymentV1 as readV1 } from '../../src/paywall/dialects/x402-v1.ts'
import { parsePayment as readV2 } from '../../src/paywall/dialects/x402-v2.ts'
import type { Address } from '../../src/protocol/evm/hex.ts'
import { accept, type Result } from '../../src/protocol/refusal.ts'
import { encodeHeader } from '../../src/protocol/x402/header.ts'
import type { ChannelPayment } from '../../src/schemes/channel/payment.ts'
import type { CreditPayment } from '../../src/schemes/credit/payment.ts'
import type { ExactPayment } from '../../src/schemes/exact/payment.ts'
import vectors from '../vectors/payments.json'

export const payer = vectors.payer as Address
export const { receiver, authorizer } = vectors

export const payments: {
  name: string
  client: string
  version: number
  header: string
  refused?: string
}[] = vectors.payments

// biome-ignore lint/suspicious/noExplicitAny: tests change a payment at any place, to any shape.
type Json = any

/** The JSON of a recorded payment. */
export function recorded(name: string): Json {
  const found = payments.find((payment) => payment.name === name)
  if (!found) throw new Error(`unknown payment: ${name}`)
  return JSON.parse(atob(found.header))
}

/** The header of a recorded payment with the value at a path replaced; `undefined` removes the key. */
export function changed(name: string, path: string, value: unknown): string {
  const payment = recorded(name)
  const steps = path.split('.')
  const last = steps.pop() ?? ''
  let parent = payment
  for (const step of steps) parent = parent[step]
  parent[last] = value
  return encodeHeader(payment)
}

/** Reads `PAYMENT-SIGNATURE` into the payment of its scheme. */
export function parsePayment(header: string): Result<ExactPayment | ChannelPayment | CreditPayment> {
  const paid = readV2(header)
  return paid.ok ? accept(paid.value.payment as ExactPayment | ChannelPayment | CreditPayment) : paid
}

/** Reads `X-PAYMENT` into the payment of `exact`. */
export function parsePaymentV1(header: string): Result<ExactPayment> {
  const paid = readV1(header)
  return paid.ok ? accept(paid.value.payment as ExactPayment) : paid
}
