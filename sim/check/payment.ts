/** A payment header as the checks read it. */
import type { Hex } from '../../src/protocol/evm/hex.ts'
import { decodeHeader } from '../../src/protocol/x402/header.ts'

/** The promise of a payment. Amounts in atomic units. */
export type Shown =
  | { kind: 'voucher' | 'refund'; channel: Hex; max: bigint }
  | { kind: 'deposit'; channel: Hex; max: bigint; salt: Hex }
  | { kind: 'exact'; payer: string; nonce: string; value: bigint; token: string }
  | Commitment

/** An IOU on credit. `once` is what it may be charged by once; `expires` in Unix ms. */
export type Commitment = {
  kind: 'credit'
  agent: string
  once: string
  signature: string
  expires: number
}

type Wire = {
  accepted?: { asset?: string; network?: string }
  payload?: {
    type?: string
    deposit?: { authorization?: { erc3009Authorization?: { salt: Hex } } }
    voucher?: { channelId: Hex; maxClaimableAmount: string }
    authorization?: { from: string; nonce: string; value: string }
  }
}

/** Reads the payment of a request; undefined for none that is well formed. */
export function shownBy({ headers }: Request): Shown | undefined {
  const header = headers.get('payment-signature')
  const decoded = header === null ? undefined : decodeHeader(header)
  if (!decoded?.ok) return undefined
  const { payload, accepted } = decoded.value as Wire
  if (accepted?.network?.endsWith(':402')) return commitmentIn(headers)
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

function commitmentIn(headers: Headers): Commitment | undefined {
  const input = headers.get('signature-input') ?? ''
  const parameter = (name: string) => new RegExp(`;${name}="?([^";]+)`).exec(input)?.[1]
  const [keyId, nonce, expires] = [parameter('keyid'), parameter('nonce'), parameter('expires')]
  const [, agent] = /^"https:\/\/([^."]+)/.exec(headers.get('signature-agent') ?? '') ?? []
  const [, signature] = /:([^:]+):/.exec(headers.get('signature') ?? '') ?? []
  if (!keyId || !nonce || !expires || !agent || !signature) return undefined
  return { kind: 'credit', agent, once: `${keyId} ${nonce}`, signature, expires: Number(expires) * 1000 }
}
