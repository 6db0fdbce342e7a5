/** A payment header as the checks read it. */
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { decodeHeader } from '../../src/protocol/x402/header.ts'

/** The promise of a payment. Amounts in atomic units. */
export type Shown =
  | { kind: 'voucher' | 'refund'; channel: Hex; max: bigint }
  | { kind: 'deposit'; channel: Hex; max: bigint; salt: Hex }
  | { kind: 'exact'; payer: string; nonce: string; value: bigint; token: string }

type Wire = {
  accepted?: { asset?: string }
  payload?: {
    type?: string
    deposit?: { authorization?: { erc3009Authorization?: { salt: Hex } } }
    voucher?: { channelId: Hex; maxClaimableAmount: string }
    authorization?: { from: string; nonce: string; value: string }
  }
}

/** Reads a payment; undefined for none that is well formed. */
export function shownBy(header: string | null): Shown | undefined {
  const decoded = header === null ? undefined : decodeHeader(header)
  if (!decoded?.ok) return undefined
  const { payload, accepted } = decoded.value as Wire
  const { type, voucher, authorization, deposit } = payload ?? {}
  if (voucher) {
    const promised = { channel: voucher.channelId, max: BigInt(voucher.maxClaimableAmount) }
    const salt = deposit?.authorization?.erc3009Authorization?.salt
    if (type === 'deposit' && salt) return { kind: type, ...promised, salt }
    return type === 'voucher' || type === 'refund' ? { kind: type, ...promised } : undefined
  }
  if (!authorization) return undefined
  const { from, nonce, value } = authorization
  return {
    kind: 'exact',
    payer: from,
    nonce,
    value: BigInt(value),
    token: String(accepted?.asset).toLowerCase(),
  }
}
