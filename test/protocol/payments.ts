/** The recorded payments, and copies of them with one value changed. */

import type { Address } from '../../src/protocol/evm/hex.ts'
import { encodeHeader } from '../../src/protocol/x402/header.ts'
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
