import { computeChannelId } from '@x402/evm/batch-settlement/client'
import fc from 'fast-check'
import { encodeAbiParameters, hashTypedData, keccak256 } from 'viem'
import { describe, expect, it } from 'vitest'
import { MAX_AMOUNT } from '../../../src/protocol/amount.ts'
import type { ChannelConfig } from '../../../src/protocol/evm/channel.ts'
import {
  type Authorization,
  channelId,
  claimBatchDigest,
  depositNonce,
  receiveAuthorizationDigest,
  transferAuthorizationDigest,
  voucherDigest,
} from '../../../src/protocol/evm/eip712.ts'
import { type Hex, toHex } from '../../../src/protocol/evm/hex.ts'
import { networks } from '../../../src/protocol/evm/network.ts'

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => toHex(value))
const address = bytes(20)
const bytes32 = bytes(32)
const amount = fc.bigInt({ min: 0n, max: MAX_AMOUNT })
const text = fc.string({ minLength: 1 })
const chainId = fc.integer({ min: 1, max: 2 ** 31 })

const configs: fc.Arbitrary<ChannelConfig> = fc.record({
  payer: address,
  payerAuthorizer: address,
  receiver: address,
  receiverAuthorizer: address,
  token: address,
  withdrawDelay: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  salt: bytes32,
})

const authorizations: fc.Arbitrary<Authorization> = fc.record({
  from: address,
  to: address,
  value: amount,
  validAfter: amount,
  validBefore: amount,
  nonce: bytes32,
})

const configFields = [
  { name: 'payer', type: 'address' },
  { name: 'payerAuthorizer', type: 'address' },
  { name: 'receiver', type: 'address' },
  { name: 'receiverAuthorizer', type: 'address' },
  { name: 'token', type: 'address' },
  { name: 'withdrawDelay', type: 'uint40' },
  { name: 'salt', type: 'bytes32' },
] as const

const authorizationFields = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const

const escrowDomain = (chainId: number, verifyingContract: Hex) => ({
  name: 'x402 Batch Settlement',
  version: '1',
  chainId,
  verifyingContract,
})

describe('EIP-712 digests', () => {
  it('give a channel the same id as viem, on any chain and escrow [B2]', () => {
    fc.assert(
      fc.property(configs, chainId, address, (config, chain, escrow) => {
        const expected = hashTypedData({
          domain: escrowDomain(chain, escrow),
          types: { ChannelConfig: configFields },
          primaryType: 'ChannelConfig',
          message: config,
        })
        expect(channelId(config, chain, escrow)).toBe(expected)
      }),
    )
  })

  it('give a channel the same id as the upstream clients [B2]', () => {
    fc.assert(
      fc.property(configs, fc.constantFrom(...networks.values()), (config, network) => {
        expect(channelId(config, network.chainId, network.escrow)).toBe(computeChannelId(config, network.id))
      }),
    )
  })

  it('match viem for vouchers [B2]', () => {
    fc.assert(
      fc.property(bytes32, amount, chainId, address, (id, maxClaimableAmount, chain, escrow) => {
        const message = { channelId: id, maxClaimableAmount }
        const expected = hashTypedData({
          domain: escrowDomain(chain, escrow),
          types: {
            Voucher: [
              { name: 'channelId', type: 'bytes32' },
              { name: 'maxClaimableAmount', type: 'uint128' },
            ],
          },
          primaryType: 'Voucher',
          message,
        })
        expect(toHex(voucherDigest(message, chain, escrow))).toBe(expected)
      }),
    )
  })

  it('match viem for batches of claims', () => {
    const claims = fc.array(
      fc.record({ channel: configs, maxClaimableAmount: amount, totalClaimed: amount, signature: bytes(65) }),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(claims, chainId, address, (rows, chain, escrow) => {
        const expected = hashTypedData({
          domain: { name: 'x402 Batch Settlement', version: '1', chainId: chain, verifyingContract: escrow },
          types: {
            ClaimBatch: [{ name: 'claims', type: 'ClaimEntry[]' }],
            ClaimEntry: [
              { name: 'channelId', type: 'bytes32' },
              { name: 'maxClaimableAmount', type: 'uint128' },
              { name: 'totalClaimed', type: 'uint128' },
            ],
          },
          primaryType: 'ClaimBatch',
          message: {
            claims: rows.map((row) => ({ ...row, channelId: channelId(row.channel, chain, escrow) })),
          },
        })
        expect(toHex(claimBatchDigest(rows, chain, escrow))).toBe(expected)
      }),
    )
  })

  it('match viem for authorizations of any token [B2]', () => {
    fc.assert(
      fc.property(authorizations, chainId, address, text, text, (message, chain, contract, name, version) => {
        const token = { chainId: chain, address: contract, name, version }
        const domain = { name, version, chainId: chain, verifyingContract: contract }
        const digest = (primaryType: string) =>
          hashTypedData({ domain, types: { [primaryType]: authorizationFields }, primaryType, message })
        expect(toHex(transferAuthorizationDigest(message, token))).toBe(digest('TransferWithAuthorization'))
        expect(toHex(receiveAuthorizationDigest(message, token))).toBe(digest('ReceiveWithAuthorization'))
      }),
    )
  })

  it('bind a deposit to its channel by the nonce that the collector computes', () => {
    fc.assert(
      fc.property(bytes32, bytes32, (id, salt) => {
        const words = encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [id, BigInt(salt)])
        expect(depositNonce(id, salt)).toBe(keccak256(words))
      }),
    )
  })

  it('differ for tokens whose name and version are equal when concatenated', () => {
    const message = fc.sample(authorizations, 1)[0] as Authorization
    const token = { chainId: 1, address: `0x${'1'.repeat(40)}` as const }
    const digests = [
      { ...token, name: 'b', version: 'a ' },
      { ...token, name: ' b', version: 'a' },
      { ...token, name: '', version: 'a b' },
    ].map((each) => toHex(transferAuthorizationDigest(message, each)))
    expect(new Set(digests).size).toBe(3)
  })

  it('stay unchanged when another digest is computed', () => {
    const escrow = `0x${'2'.repeat(40)}` as const
    const id = `0x${'3'.repeat(64)}` as const
    const first = voucherDigest({ channelId: id, maxClaimableAmount: 1n }, 1, escrow)
    const before = toHex(first)
    voucherDigest({ channelId: id, maxClaimableAmount: 2n }, 1, escrow)
    expect(toHex(first)).toBe(before)
  })

  it('throw for an amount above 2^128-1 or below zero [B8]', () => {
    const escrow = `0x${'2'.repeat(40)}` as const
    const id = `0x${'3'.repeat(64)}` as const
    for (const maxClaimableAmount of [MAX_AMOUNT + 1n, -1n]) {
      expect(() => voucherDigest({ channelId: id, maxClaimableAmount }, 1, escrow)).toThrow(RangeError)
    }
  })
})
