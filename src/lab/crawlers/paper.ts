/** Payments as misbehaving crawlers write them: a signed request is opened, changed, signed again or not, and closed. */
import { decodePaymentSignatureHeader, encodePaymentSignatureHeader } from '@x402/core/http'
import { authorizationTypes, toClientEvmSigner } from '@x402/evm'
import { signVoucher as signUpstream } from '@x402/evm/batch-settlement/client'
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { ChannelConfig } from '../../protocol/evm/channel.ts'
import type { Kit, SignedRequest } from './crawler.ts'

/** The content of a payment header. The payload is that of its scheme. */
export type Payment = ReturnType<typeof decodePaymentSignatureHeader>

/** An EIP-3009 authorization on the wire: amounts and Unix seconds are decimal strings. */
export type Authorization = {
  from: Hex
  to: Hex
  value: string
  validAfter: string
  validBefore: string
  nonce: Hex
}

/** A voucher on the wire. */
export type VoucherPayload = {
  type: string
  channelConfig: ChannelConfig
  voucher: { channelId: Hex; maxClaimableAmount: string; signature: Hex }
}

/** The domain that an authorization is signed for. */
type Domain = { name: string; version: string; chainId: number; verifyingContract: Hex }

/** The payment of a signed request. */
export function paymentOf({ headers }: SignedRequest): Payment {
  return decodePaymentSignatureHeader(headers['payment-signature'] ?? '')
}

/** The same request with another payment. */
export function withPayment(request: SignedRequest, payment: Payment): SignedRequest {
  return withHeaders(request, { 'payment-signature': encodePaymentSignatureHeader(payment) })
}

/** The same request with other headers. */
export function withHeaders(request: SignedRequest, headers: Record<string, string>): SignedRequest {
  return { ...request, headers: { ...request.headers, ...headers } }
}

/** The payload of a voucher. */
export function voucherOf(payment: Payment): VoucherPayload {
  return payment.payload as VoucherPayload
}

/** The authorization of an `exact` payment. */
export function authorizationOf(payment: Payment): Authorization {
  return (payment.payload as { authorization: Authorization }).authorization
}

/** The domain of the token that a payment moves. */
export function domainOf({ accepted: { extra, asset } }: Payment, { chain: { chainId } }: Kit): Domain {
  return {
    name: String(extra?.name),
    version: String(extra?.version),
    chainId,
    verifyingContract: asset as Hex,
  }
}

/** Signs an `exact` payment anew over changed terms. `primaryType`: that of the token’s own call by default. */
export async function signTransfer(
  privateKey: Hex,
  payment: Payment,
  authorization: Authorization,
  domain: Domain,
  primaryType = 'TransferWithAuthorization',
): Promise<Payment> {
  const { value, validAfter, validBefore } = authorization
  const signature = await privateKeyToAccount(privateKey).signTypedData({
    domain,
    types: { [primaryType]: authorizationTypes.TransferWithAuthorization },
    primaryType,
    message: {
      ...authorization,
      value: BigInt(value),
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
    },
  })
  return { ...payment, payload: { authorization, signature } }
}

/** Signs that an authorization is void: the argument of the token’s `cancelAuthorization`. */
export function signCancel({ address, privateKey }: Kit['wallet'], nonce: Hex, domain: Domain): Promise<Hex> {
  return privateKeyToAccount(privateKey).signTypedData({
    domain,
    types: {
      CancelAuthorization: [
        { name: 'authorizer', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'CancelAuthorization',
    message: { authorizer: address, nonce },
  })
}

/** Signs a voucher with the upstream client, for any channel, total and network. */
export async function signVoucher(
  privateKey: Hex,
  channelConfig: ChannelConfig,
  { channelId, total, network }: { channelId: Hex; total: bigint; network: string },
): Promise<VoucherPayload> {
  const signer = toClientEvmSigner(privateKeyToAccount(privateKey))
  const voucher = await signUpstream(signer, channelId, `${total}`, network)
  return { type: 'voucher', channelConfig, voucher }
}

/** 32 bytes from the crawler’s seed. */
export function bytes32({ random }: Pick<Kit, 'random'>): Hex {
  const byte = () =>
    Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0')
  return `0x${Array.from({ length: 32 }, byte).join('')}`
}
