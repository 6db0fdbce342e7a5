/** A payment header as the checks read it. */
import { decodeHeader } from '../../src/protocol/x402/header.ts'

/** What a payment promises. Amounts in atomic units. */
export type Shown =
  | { kind: 'voucher' | 'deposit' | 'refund'; channel: string; max: bigint }
  | { kind: 'exact'; payer: string; nonce: string; value: bigint; token: string }

type Wire = {
  accepted?: { asset?: string }
  payload?: {
    type?: string
    voucher?: { channelId: string; maxClaimableAmount: string }
    authorization?: { from: string; nonce: string; value: string }
  }
}

/** Reads a payment; undefined for none that is well formed. */
export function shownBy(header: string | null): Shown | undefined {
  const decoded = header === null ? undefined : decodeHeader(header)
  if (!decoded?.ok) return undefined
  const { payload, accepted } = decoded.value as Wire
  const { type, voucher, authorization } = payload ?? {}
  if (voucher && (type === 'voucher' || type === 'deposit' || type === 'refund'))
    return { kind: type, channel: voucher.channelId, max: BigInt(voucher.maxClaimableAmount) }
  if (!authorization) return undefined
  const { from, nonce, value } = authorization
  return { kind: 'exact', payer: from, nonce, value: BigInt(value), token: String(accepted?.asset).toLowerCase() }
}
