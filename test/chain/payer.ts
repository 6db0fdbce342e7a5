/** A payer of the local chain, with USDC and a key that signs for the contracts. */
import { encodeFunctionData, parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import type { SignedTransfer } from '../../src/chain/facilitator/facilitator.ts'
import { encodeTransfer } from '../../src/chain/token.ts'
import type { ChannelConfig, Claim } from '../../src/protocol/evm/channel.ts'
import { channelId, depositNonce } from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { newKey, randomHex, rpc } from './harness.ts'
import { chainHere } from './here.ts'

const CHAIN_ID = 84532
const MINT = parseAbi(['function mint(address to, uint256 value)'])

const AUTHORIZATION = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const
const VOUCHER = [
  { name: 'channelId', type: 'bytes32' },
  { name: 'maxClaimableAmount', type: 'uint128' },
] as const

export type Payer = Awaited<ReturnType<typeof newPayer>>

/** A payer with `funds` atomic units of USDC. */
export async function newPayer(funds = 1_000_000n) {
  const { key, address } = await newKey()
  const account = privateKeyToAccount(key)
  const { usdc, escrow, collector } = chainHere()
  await mint(address, funds)
  const usdcDomain = { name: 'USDC', version: '2', chainId: CHAIN_ID, verifyingContract: usdc }
  const escrowDomain = {
    name: 'x402 Batch Settlement',
    version: '1',
    chainId: CHAIN_ID,
    verifyingContract: escrow,
  }
  return {
    address,
    key,
    /** A signed EIP-3009 transfer. */
    async pays(to: Address, value: bigint, rest: Partial<SignedTransfer> = {}): Promise<SignedTransfer> {
      const message = {
        from: address,
        to,
        value,
        validAfter: 0n,
        validBefore: await soon(),
        nonce: randomHex(32),
        ...rest,
      }
      const types = { TransferWithAuthorization: AUTHORIZATION }
      const primaryType = 'TransferWithAuthorization'
      const signature = await account.signTypedData({ domain: usdcDomain, types, primaryType, message })
      const wire = { version: 2 as const, payload: { signature }, requirements: { scheme: 'exact' } }
      return { network: `eip155:${CHAIN_ID}`, token: usdc, wire, ...message, signature }
    },
    /** The signed authorization of a deposit, as `encodeDeposit` takes it. */
    async deposits(config: ChannelConfig, value: bigint, rest: { validBefore?: bigint } = {}) {
      const salt = randomHex(32)
      const nonce = depositNonce(channelId(config, CHAIN_ID, escrow), salt)
      const message = {
        from: address,
        to: collector,
        value,
        validAfter: 0n,
        validBefore: await soon(),
        nonce,
        ...rest,
      }
      const types = { ReceiveWithAuthorization: AUTHORIZATION }
      const primaryType = 'ReceiveWithAuthorization'
      const signature = await account.signTypedData({ domain: usdcDomain, types, primaryType, message })
      return { ...message, salt, signature }
    },
    /** A row of a claim: a voucher for all of it, signed. */
    async owes(config: ChannelConfig, totalClaimed: bigint): Promise<Claim> {
      const message = { channelId: channelId(config, CHAIN_ID, escrow), maxClaimableAmount: totalClaimed }
      const types = { Voucher: VOUCHER }
      const signature = await account.signTypedData({
        domain: escrowDomain,
        types,
        primaryType: 'Voucher',
        message,
      })
      return { channel: config, maxClaimableAmount: totalClaimed, signature, totalClaimed }
    },
    /** The config of a new channel of this payer. */
    channelTo(receiver: Address, receiverAuthorizer: Address): ChannelConfig {
      const parties = { payer: address, payerAuthorizer: address, receiver, receiverAuthorizer }
      return { ...parties, token: usdc, withdrawDelay: 86_400, salt: randomHex(32) }
    },
  }
}

/** Mints USDC to an address. */
export async function mint(to: Address, value: bigint): Promise<void> {
  const data = encodeFunctionData({ abi: MINT, args: [to, value] })
  const from = randomHex(20)
  await rpc('anvil_setBalance', from, '0x8ac7230489e80000')
  await send(from, chainHere().usdc, data)
}

/** Sends the `exact` payment of a `PAYMENT-SIGNATURE` header from another account. */
export async function submitHeader(header: string): Promise<Hex> {
  const { payload } = JSON.parse(atob(header)) as {
    payload: { signature: Hex; authorization: Record<string, string> }
  }
  const { from, to, nonce, ...amounts } = payload.authorization as Record<string, Hex>
  const amount = (name: string) => BigInt(amounts[name] ?? 0)
  const transfer = {
    ...{ from, to, nonce, signature: payload.signature },
    value: amount('value'),
    validAfter: amount('validAfter'),
    validBefore: amount('validBefore'),
  } as SignedTransfer
  return send((await newKey()).address, chainHere().usdc, encodeTransfer(transfer))
}

/** Sends a transaction from any account and waits until it is mined. */
export async function send(from: Address, to: Address, data: Hex): Promise<Hex> {
  const hash = await rpc<Hex>('eth_sendTransaction', { from, to, data })
  let receipt: { status: Hex } | null = null
  while (!receipt) receipt = await rpc<{ status: Hex } | null>('eth_getTransactionReceipt', hash)
  if (receipt.status !== '0x1') throw new Error(`${hash} was reverted`)
  return hash
}

// Read from the chain's clock, which other tests may have moved.
async function soon(): Promise<bigint> {
  const { timestamp } = await rpc<{ timestamp: Hex }>('eth_getBlockByNumber', 'latest', false)
  return BigInt(timestamp) + 600n
}
