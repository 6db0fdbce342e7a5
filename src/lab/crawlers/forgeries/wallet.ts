/** Forged payments of wallets: signatures that a contract rejects, other terms under a good signature, other domains. */
import { computeChannelId } from '@x402/evm/batch-settlement/client'
import type { Hex } from 'viem'
import type { Kit, SignedRequest } from '../crawler.ts'
import {
  authorizationOf,
  bytes32,
  domainOf,
  type Payment,
  paymentOf,
  signTransfer,
  signVoucher,
  voucherOf,
  withPayment,
} from '../paper.ts'
import type { Forgery } from './forgery.ts'

/** The order of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const TOO_MUCH = 1n << 128n

/** Forgeries of an `exact` payment. */
export async function transferForgeries(kit: Kit, signed: SignedRequest): Promise<Forgery[]> {
  const payment = paymentOf(signed)
  const authorization = authorizationOf(payment)
  const domain = domainOf(payment, kit)
  const { signature } = payment.payload as { signature: Hex }
  const key = kit.wallet.privateKey
  const over = (changes: object) => signTransfer(key, payment, { ...authorization, ...changes }, domain)
  const forged: Record<string, Payment> = {
    'to-itself': await over({ to: kit.wallet.address }),
    'one-less': await over({ value: `${BigInt(authorization.value) - 1n}` }),
    nothing: await over({ value: '0' }),
    'other-chain': await signTransfer(key, payment, authorization, { ...domain, chainId: 1 }),
    'other-token': await signTransfer(key, payment, authorization, {
      ...domain,
      verifyingContract: kit.chain.escrow,
    }),
    'other-call': await signTransfer(key, payment, authorization, domain, 'ReceiveWithAuthorization'),
    'over-unsigned-terms': {
      ...payment,
      payload: { signature, authorization: { ...authorization, nonce: bytes32(kit) } },
    },
    '2-128': {
      ...payment,
      payload: { signature, authorization: { ...authorization, value: `${TOO_MUCH}` } },
    },
  }
  for (const [name, twin] of Object.entries(signatureForgeries(kit, signature)))
    forged[name] = { ...payment, payload: { authorization, signature: twin } }
  return closed(signed, forged)
}

/** Forgeries of a voucher. */
export async function voucherForgeries(kit: Kit, signed: SignedRequest): Promise<Forgery[]> {
  const payment = paymentOf(signed)
  const { network } = payment.accepted
  const payload = voucherOf(payment)
  const { channelConfig, voucher } = payload
  const { channelId } = voucher
  const key = kit.wallet.privateKey
  const total = BigInt(voucher.maxClaimableAmount)
  const onTerms = async (changes: object) => {
    const config = { ...channelConfig, ...changes }
    const id = computeChannelId(config, network)
    return { ...payment, payload: await signVoucher(key, config, { channelId: id, total, network }) }
  }
  const of = async (over: bigint, on = network) => ({
    ...payment,
    payload: await signVoucher(key, channelConfig, { channelId, total: over, network: on }),
  })
  const forged: Record<string, Payment> = {
    'pays-itself': await onTerms({ receiver: kit.wallet.address }),
    'own-authorizer': await onTerms({ receiverAuthorizer: kit.wallet.address }),
    'other-token': await onTerms({ token: kit.chain.escrow }),
    'no-delay': await onTerms({ withdrawDelay: 0 }),
    'other-salt': await onTerms({ salt: bytes32(kit) }),
    'other-chain': await of(total, 'eip155:1'),
    'one-less': await of(total - 1n),
    'far-ahead': await of(total + 1_000_000_000n),
    nothing: await of(0n),
    '2-128': {
      ...payment,
      payload: { ...payload, voucher: { ...voucher, maxClaimableAmount: `${TOO_MUCH}` } },
    },
    'over-unsigned-total': {
      ...payment,
      payload: { ...payload, voucher: { ...voucher, maxClaimableAmount: `${total + 1n}` } },
    },
    'other-channel': {
      ...payment,
      payload: { ...payload, voucher: { ...voucher, channelId: bytes32(kit) } },
    },
  }
  for (const [name, signature] of Object.entries(signatureForgeries(kit, voucher.signature)))
    forged[name] = { ...payment, payload: { ...payload, voucher: { ...voucher, signature } } }
  return closed(signed, forged)
}

/** Other spellings of a signature, none of which the contracts accept. */
function signatureForgeries(kit: Kit, signature: Hex): Record<string, Hex> {
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)]
  const twin = (ORDER - BigInt(`0x${s}`)).toString(16).padStart(64, '0')
  return {
    'high-s': `0x${r}${twin}${v === '1b' ? '1c' : '1b'}`,
    'other-v': `0x${r}${s}${v === '1b' ? '1c' : '1b'}`,
    'no-v': `0x${r}${s}`,
    longer: `${signature}00`,
    zeros: `0x${'0'.repeat(130)}`,
    random: `0x${bytes32(kit).slice(2)}${bytes32(kit).slice(2)}1b`,
    empty: '0x',
  }
}

function closed(signed: SignedRequest, forged: Record<string, Payment>): Forgery[] {
  return Object.entries(forged).map(([name, payment]) => ({ name, request: withPayment(signed, payment) }))
}
