/** HTTP as a client sees it. */
import { decodeHeader } from '../src/protocol/x402/header.ts'
import type { PaymentRequired, SettleResponse } from '../src/protocol/x402/types.ts'

/** A crawler's name. */
export const AGENT = 'Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)'

/** An answer that has arrived whole. */
export type Answer = { status: number; headers: Headers; body: string }

/** The 402 of an answer. */
export function requiredOf({ headers }: Answer): PaymentRequired | undefined {
  return read(headers.get('payment-required')) as PaymentRequired | undefined
}

/** The receipt of an answer. */
export function receiptOf({ headers }: Answer): SettleResponse | undefined {
  return read(headers.get('payment-response')) as SettleResponse | undefined
}

/** The code of a refusal. */
export function errorOf(answer: Answer): string | undefined {
  const required = requiredOf(answer)
  if (required) return required.error
  try {
    return (JSON.parse(answer.body) as { error?: string }).error
  } catch {
    return undefined
  }
}

function read(header: string | null): unknown {
  if (header === null) return undefined
  const decoded = decodeHeader(header)
  return decoded.ok ? decoded.value : undefined
}
