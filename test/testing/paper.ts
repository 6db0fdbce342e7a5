/** The documents that payers and receivers sign with viem: authorizations, vouchers, refunds and claim batches. */
import { encodeAbiParameters, type Hex, hashTypedData, keccak256, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import { CHAIN_ID, COLLECTOR, ESCROW, type LocalAccount, USDC } from '../../src/testing/chain/chain.ts'
import { type Rig, send } from './harness.ts'

export const ESCROW_DOMAIN = {
  name: 'x402 Batch Settlement',
  version: '1',
  chainId: CHAIN_ID,
  verifyingContract: ESCROW,
} as const
export const USDC_DOMAIN = { name: 'USDC', version: '2', chainId: CHAIN_ID, verifyingContract: USDC } as const

const AUTHORIZATION = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const
export const TYPES = {
  TransferWithAuthorization: AUTHORIZATION,
  ReceiveWithAuthorization: AUTHORIZATION,
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
  ChannelConfig: [
    { name: 'payer', type: 'address' },
    { name: 'payerAuthorizer', type: 'address' },
    { name: 'receiver', type: 'address' },
    { name: 'receiverAuthorizer', type: 'address' },
    { name: 'token', type: 'address' },
    { name: 'withdrawDelay', type: 'uint40' },
    { name: 'salt', type: 'bytes32' },
  ],
  Voucher: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'maxClaimableAmount', type: 'uint128' },
  ],
  Refund: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'nonce', type: 'uint256' },
    { name: 'amount', type: 'uint128' },
  ],
  ClaimBatch: [{ name: 'claims', type: 'ClaimEntry[]' }],
  ClaimEntry: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'maxClaimableAmount', type: 'uint128' },
    { name: 'totalClaimed', type: 'uint128' },
  ],
} as const

/** Late enough for every test that moves the clock. */
export const FOREVER = 2n ** 39n

export type Row = {
  voucher: { channel: ChannelConfig; maxClaimableAmount: bigint }
  signature: Hex
  totalClaimed: bigint
}

let salts = 0n

/** A fresh config: the payer signs for itself, and the rig's accounts take the other roles. */
export function makeConfig(rig: Rig, changes: Partial<ChannelConfig> = {}): ChannelConfig {
  return {
    payer: rig.payer.address,
    payerAuthorizer: rig.payer.address,
    receiver: rig.receiver.address,
    receiverAuthorizer: rig.authorizer.address,
    token: USDC,
    withdrawDelay: 900,
    salt: toHex(++salts, { size: 32 }),
    ...changes,
  }
}

export function channelId(config: ChannelConfig): Hex {
  return hashTypedData({ domain: ESCROW_DOMAIN, types: TYPES, primaryType: 'ChannelConfig', message: config })
}

/** The collector's data for one deposit, authorized by `signer`. */
export async function authorizeDeposit(
  config: ChannelConfig,
  amount: bigint,
  signer: LocalAccount,
  { salt = ++salts, validAfter = 0n, validBefore = FOREVER } = {},
): Promise<Hex> {
  const nonce = keccak256(
    encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [channelId(config), salt]),
  )
  const message = { from: config.payer, to: COLLECTOR, value: amount, validAfter, validBefore, nonce }
  const signature = await privateKeyToAccount(signer.privateKey).signTypedData({
    domain: USDC_DOMAIN,
    types: TYPES,
    primaryType: 'ReceiveWithAuthorization',
    message,
  })
  return encodeAbiParameters(
    [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }],
    [validAfter, validBefore, salt, signature],
  )
}

/** Deposits into a channel from another account, as a facilitator would. */
export async function deposit(rig: Rig, config: ChannelConfig, amount: bigint) {
  const data = await authorizeDeposit(config, amount, rig.payer)
  return send(rig, rig.stranger.address, 'deposit', [config, amount, COLLECTOR, data])
}

/** A fresh channel with a balance. */
export async function open(rig: Rig, amount: bigint, changes: Partial<ChannelConfig> = {}) {
  const config = makeConfig(rig, changes)
  await deposit(rig, config, amount)
  return { config, id: channelId(config) }
}

/** One claim, with a voucher over `max` signed by `signer`. */
export async function makeRow(
  config: ChannelConfig,
  max: bigint,
  total: bigint,
  signer: LocalAccount,
): Promise<Row> {
  const signature = await privateKeyToAccount(signer.privateKey).signTypedData({
    domain: ESCROW_DOMAIN,
    types: TYPES,
    primaryType: 'Voucher',
    message: { channelId: channelId(config), maxClaimableAmount: max },
  })
  return { voucher: { channel: config, maxClaimableAmount: max }, signature, totalClaimed: total }
}

export function batchMessage(rows: Row[]) {
  return {
    claims: rows.map(({ voucher, totalClaimed }) => ({
      channelId: channelId(voucher.channel),
      maxClaimableAmount: voucher.maxClaimableAmount,
      totalClaimed,
    })),
  }
}

export async function signBatch(rows: Row[], signer: LocalAccount): Promise<Hex> {
  return privateKeyToAccount(signer.privateKey).signTypedData({
    domain: ESCROW_DOMAIN,
    types: TYPES,
    primaryType: 'ClaimBatch',
    message: batchMessage(rows),
  })
}

export async function signRefund(id: Hex, nonce: bigint, amount: bigint, signer: LocalAccount): Promise<Hex> {
  return privateKeyToAccount(signer.privateKey).signTypedData({
    domain: ESCROW_DOMAIN,
    types: TYPES,
    primaryType: 'Refund',
    message: { channelId: id, nonce, amount },
  })
}
