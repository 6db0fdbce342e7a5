/** The key and the purse of one payer. */

import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import {
  channelId,
  depositNonce,
  receiveAuthorizationDigest,
  transferAuthorizationDigest,
  voucherDigest,
} from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { addressOf, sign } from '../../src/protocol/evm/secp256k1.ts'
import { NETWORK } from '../chain/state.ts'

const { chainId, escrow, collector, usdc } = NETWORK
const FOREVER = 1n << 40n

/** A payer's key. */
export class Wallet {
  readonly key: Hex
  readonly address: Address

  constructor(number: number) {
    this.key = `0x${(0x1000 + number).toString(16).padStart(64, '0')}`
    this.address = addressOf(this.key)
  }

  /** A voucher in wire format. */
  voucher(config: ChannelConfig, max: bigint) {
    const id = channelId(config, chainId, escrow)
    const digest = voucherDigest({ channelId: id, maxClaimableAmount: max }, chainId, escrow)
    return { channelId: id, maxClaimableAmount: max.toString(), signature: sign(digest, this.key) }
  }

  /** A deposit in wire format. */
  deposit(config: ChannelConfig, amount: bigint, salt: Hex, validBefore = FOREVER) {
    const nonce = depositNonce(channelId(config, chainId, escrow), salt)
    const authorization = {
      from: this.address,
      to: collector,
      value: amount,
      validAfter: 0n,
      validBefore,
      nonce,
    }
    const signature = sign(receiveAuthorizationDigest(authorization, usdc), this.key)
    const erc3009Authorization = { validAfter: '0', validBefore: `${validBefore}`, salt, signature }
    return { amount: amount.toString(), authorization: { erc3009Authorization } }
  }

  /** A payment by `exact` in wire format. Times in Unix seconds. */
  transfer(to: Address, value: bigint, nonce: Hex, validBefore: bigint) {
    const authorization = { from: this.address, to, value, validAfter: 0n, validBefore, nonce }
    const signature = sign(transferAuthorizationDigest(authorization, usdc), this.key)
    const wire = {
      from: this.address,
      to,
      value: `${value}`,
      validAfter: '0',
      validBefore: `${validBefore}`,
      nonce,
    }
    return { signature, authorization: wire }
  }
}
