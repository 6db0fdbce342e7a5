/** Channels and vouchers signed before the measurement, so that the load client signs nothing. */
import { secp256k1 } from '@bitauth/libauth'
import type { ChannelConfig } from '../src/protocol/evm/channel.ts'
import {
  channelId,
  depositNonce,
  receiveAuthorizationDigest,
  voucherDigest,
} from '../src/protocol/evm/eip712.ts'
import { type Address, fromHex, type Hex, toHex } from '../src/protocol/evm/hex.ts'
import { networks } from '../src/protocol/evm/network.ts'
import { encodeHeader } from '../src/protocol/x402/header.ts'
import type { PaymentRequired, PaymentRequirements } from '../src/protocol/x402/types.ts'
import type { LocalAccount } from '../src/testing/chain/chain.ts'
import { CRAWLER } from './ask.ts'

export type Offered = { required: PaymentRequired; offer: PaymentRequirements }

export type Channel = { id: Hex; config: ChannelConfig; payer: LocalAccount }

/** Reads the 402 of a Worker, and picks its channel offer. */
export async function askOffer(url: URL): Promise<Offered> {
  const response = await fetch(url, { headers: CRAWLER })
  const header = response.headers.get('payment-required')
  if (response.status !== 402 || header === null) {
    throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  }
  const required = JSON.parse(atob(header)) as PaymentRequired
  const offer = required.accepts.find(({ scheme }) => scheme === 'batch-settlement')
  if (!offer) throw new Error(`${url} must offer a channel`)
  return { required, offer }
}

/** The channel that a payer would open for this offer. */
export function channelFor(offer: PaymentRequirements, payer: LocalAccount, salt: number): Channel {
  const { chainId, escrow } = networkOf(offer)
  const config: ChannelConfig = {
    payer: payer.address,
    payerAuthorizer: payer.address,
    receiver: offer.payTo.toLowerCase() as Address,
    receiverAuthorizer: String(offer.extra.receiverAuthorizer).toLowerCase() as Address,
    token: offer.asset.toLowerCase() as Address,
    withdrawDelay: offer.extra.withdrawDelay as number,
    salt: `0x${salt.toString(16).padStart(64, '0')}`,
  }
  return { id: channelId(config, chainId, escrow), config, payer }
}

/** Payment headers with consecutive vouchers, from the first request on. */
export function payments({ required, offer }: Offered, channel: Channel, count: number): string[] {
  const price = BigInt(offer.amount)
  return Array.from({ length: count }, (_, index) =>
    encodeHeader({
      x402Version: 2,
      payload: {
        type: 'voucher',
        channelConfig: channel.config,
        voucher: voucherOver(offer, channel, price * BigInt(index + 1)),
      },
      resource: required.resource,
      accepted: offer,
    }),
  )
}

/** A signed voucher in wire format. */
export function voucherOver(offer: PaymentRequirements, channel: Channel, max: bigint) {
  const { chainId, escrow } = networkOf(offer)
  const digest = voucherDigest({ channelId: channel.id, maxClaimableAmount: max }, chainId, escrow)
  return {
    channelId: channel.id,
    maxClaimableAmount: max.toString(),
    signature: sign(digest, channel.payer),
  }
}

/** A signed deposit into a channel, as the escrow's collector takes it. */
export function depositInto(offer: PaymentRequirements, { id, config, payer }: Channel, value: bigint) {
  const { usdc, collector } = networkOf(offer)
  const salt: Hex = config.salt
  const terms = { from: config.payer, to: collector, value, validAfter: 0n, validBefore: 1n << 40n }
  const digest = receiveAuthorizationDigest({ ...terms, nonce: depositNonce(id, salt) }, usdc)
  return { collector, validAfter: 0n, validBefore: terms.validBefore, salt, signature: sign(digest, payer) }
}

function sign(digest: Uint8Array, { privateKey }: LocalAccount): Hex {
  const signed = secp256k1.signMessageHashRecoverableCompact(fromHex(privateKey), digest)
  if (typeof signed === 'string') throw new Error(signed)
  return `${toHex(signed.signature)}${signed.recoveryId === 0 ? '1b' : '1c'}`
}

function networkOf({ network }: PaymentRequirements) {
  const known = networks.get(network)
  if (!known) throw new Error(`unknown network in the offer: ${network}`)
  return known
}
