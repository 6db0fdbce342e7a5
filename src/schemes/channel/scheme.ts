/** Channels (x402 `batch-settlement`, EVM): the payer escrows once, then signs a higher ceiling for each request. */

import { parseAmount } from '../../protocol/amount.ts'
import type { ChannelConfig, Voucher } from '../../protocol/evm/channel.ts'
import {
  channelId,
  depositNonce,
  receiveAuthorizationDigest,
  voucherDigest,
} from '../../protocol/evm/eip712.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Network } from '../../protocol/evm/network.ts'
import { signedBy } from '../../protocol/evm/secp256k1.ts'
import { accept, type Refusal, refuse } from '../../protocol/refusal.ts'
import type { Deposit } from '../../protocol/x402/payload.ts'
import { CHANNEL, type PaymentRequirements } from '../../protocol/x402/types.ts'
import { matches, type Pace, type Scheme } from '../scheme.ts'
import { receiverScreen } from '../screening.ts'
import type { ChannelPayment } from './payment.ts'
import { type ChannelPorts, ChannelPurchase } from './purchase.ts'
import type { ChannelTerms } from './terms.ts'

const ZERO_ADDRESS = `0x${'0'.repeat(40)}`

/**
 * A lapsed deposit is still looked up this long: an earlier request may have had it mined and lost its answer. The account
 * decides, so that it is not refused as late while it may be paid.
 */
const LOOKUP_GRACE_SECONDS = 86_400n

// A deposit takes seconds, and a refund opens nothing.
const PACES: Record<ChannelPayment['payload']['type'], Pace> = {
  voucher: 'prompt',
  deposit: 'slow',
  refund: 'management',
}

/** The channel scheme of one site. */
export function channelScheme(terms: ChannelTerms, ports: ChannelPorts) {
  const { network, receiver } = terms
  const { screening } = ports
  const payee = screening && receiverScreen(screening, network.id, receiver)
  const purchasing = { ...ports, payee }
  return {
    network: network.id,

    offer: (price) => offerOf(terms, price),

    ...(payee && { isWithheld: payee.isListed }),

    // A corrective 402 raises `minDeposit` while gas is dear, and the payer echoes that.
    answers({ accepted }, offer) {
      const { minDeposit } = accepted.extra
      const raised = typeof minDeposit === 'string' && (parseAmount(minDeposit) ?? 0n) >= terms.minDeposit
      return raised && matches(accepted, { ...offer, extra: { ...offer.extra, minDeposit } })
    },

    promises: ({ accepted }, price) => accepted.amount === price.toString(),

    verify(payment, price, now) {
      const { payload } = payment
      const { config, voucher } = payload
      const fault =
        configFault(terms, config) ??
        voucherFault(network, config, voucher) ??
        (payload.type === 'deposit'
          ? depositFault(terms, config, voucher, payload.deposit, price, now)
          : undefined)
      return fault ? { ok: false, refusal: fault } : accept(payment)
    },

    pace: ({ payload }) => PACES[payload.type],

    account: ({ payload }) => payload.voucher.channelId,

    charge: (payment, purchase) => new ChannelPurchase(terms, purchasing, payment, purchase).charge(),
  } satisfies Scheme<ChannelPayment>
}

function offerOf(terms: ChannelTerms, price: bigint): PaymentRequirements {
  const { network, receiver, receiverAuthorizer, withdrawDelay, minDeposit, maxTimeoutSeconds } = terms
  return {
    scheme: CHANNEL,
    network: network.id,
    amount: price.toString(),
    asset: network.usdc.address,
    payTo: receiver,
    maxTimeoutSeconds,
    extra: {
      receiverAuthorizer,
      withdrawDelay,
      name: network.usdc.name,
      version: network.usdc.version,
      minDeposit: minDeposit.toString(),
    },
  }
}

// x402 batch-settlement EVM §Verification Rules 2 to 5
function configFault(terms: ChannelTerms, config: ChannelConfig): Refusal | undefined {
  if (config.receiver !== terms.receiver) return because('channel_receiver')
  if (config.receiverAuthorizer !== terms.receiverAuthorizer) return because('channel_authorizer')
  if (config.token !== terms.network.usdc.address) return because('channel_token')
  if (config.withdrawDelay !== terms.withdrawDelay) return because('channel_delay')
  // Trap: a contract wallet may reject at claim time a signature that it accepted before. Accept key-signed vouchers only.
  if (config.payerAuthorizer === ZERO_ADDRESS) return because('channel_wallet')
  return undefined
}

// §Verification Rules 1 and 6
function voucherFault(network: Network, config: ChannelConfig, voucher: Voucher): Refusal | undefined {
  const { chainId, escrow } = network
  if (idOf(config, network) !== voucher.channelId) return because('channel_id')
  if (!signedBy(voucherDigest(voucher, chainId, escrow), voucher.signature, config.payerAuthorizer)) {
    return because('voucher_signature')
  }
  return undefined
}

function depositFault(
  terms: ChannelTerms,
  config: ChannelConfig,
  voucher: Voucher,
  deposit: Deposit,
  price: bigint,
  now: number,
): Refusal | undefined {
  const { usdc, collector } = terms.network
  if (deposit.amount < terms.minDeposit || deposit.amount < price) return because('deposit_too_small')
  if (deposit.validAfter > BigInt(now)) return because('deposit_too_early')
  if (deposit.validBefore + LOOKUP_GRACE_SECONDS < BigInt(now)) return because('deposit_too_late')
  const authorization = {
    from: config.payer,
    to: collector,
    value: deposit.amount,
    validAfter: deposit.validAfter,
    validBefore: deposit.validBefore,
    nonce: depositNonce(voucher.channelId, deposit.salt),
  }
  const digest = receiveAuthorizationDigest(authorization, usdc)
  return signedBy(digest, deposit.signature, config.payer) ? undefined : because('deposit_authorization')
}

/** The last few channels' ids: a payer's configuration is hashed once, not with every voucher. */
const ids = new Map<string, Hex>()
const MAX_IDS = 4096

function idOf(config: ChannelConfig, { chainId, escrow }: Network): Hex {
  // Receiver, authorizer, token and delay are our own terms by now, but two sites of one Worker may differ in them.
  const { payer, payerAuthorizer, receiver, receiverAuthorizer, token, withdrawDelay, salt } = config
  const key = `${chainId}${payer}${payerAuthorizer}${receiver}${receiverAuthorizer}${token}${withdrawDelay}${salt}`
  const known = ids.get(key)
  if (known) return known
  const id = channelId(config, chainId, escrow)
  if (ids.size >= MAX_IDS) ids.clear()
  ids.set(key, id)
  return id
}

function because(reason: Refusal['reason']): Refusal {
  return refuse(reason).refusal
}
