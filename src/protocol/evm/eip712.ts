/** The EIP-712 digests of payers and of the receiver's authorizer, written out by hand for the hot path (EIP-712, EIP-3009, x402 batch-settlement EVM). */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { MAX_AMOUNT } from '../amount.ts'
import type { ChannelConfig, Claim, Voucher } from './channel.ts'
import { type Address, type Hex, toHex, writeHex } from './hex.ts'
import { networks, type Token } from './network.ts'

/** An EIP-3009 authorization. `value` in atomic units, times in Unix seconds. */
export type Authorization = {
  from: Address
  to: Address
  value: bigint
  validAfter: bigint
  validBefore: bigint
  nonce: Hex
}

const encoder = new TextEncoder()
const hashText = (text: string) => keccak_256(encoder.encode(text))

/** The hash of a type, made when it is first needed: a Worker that wakes for an unpaid request needs none. */
function typeHash(type: string): () => Uint8Array {
  let hash: Uint8Array | undefined
  return () => {
    hash ??= hashText(type)
    return hash
  }
}

const DOMAIN = typeHash('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
const CHANNEL_CONFIG = typeHash(
  'ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)',
)
const VOUCHER = typeHash('Voucher(bytes32 channelId,uint128 maxClaimableAmount)')
const CLAIM_ENTRY = 'ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)'
const CLAIM = typeHash(CLAIM_ENTRY)
const CLAIM_BATCH = typeHash(`ClaimBatch(ClaimEntry[] claims)${CLAIM_ENTRY}`)
const AUTHORIZATION =
  '(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)'
const TRANSFER = typeHash(`TransferWithAuthorization${AUTHORIZATION}`)
const RECEIVE = typeHash(`ReceiveWithAuthorization${AUTHORIZATION}`)

/** One buffer for every encoding: nothing here awaits, so no two encodings overlap. Digests are copies. */
const words = new Uint8Array(8 * 32)
const view = new DataView(words.buffer)

function writeBytes32(index: number, value: Uint8Array): void {
  words.set(value, index * 32)
}

function writeHex32(index: number, value: Hex): void {
  const bytes = (value.length - 2) / 2
  const end = (index + 1) * 32
  words.fill(0, index * 32, end - bytes)
  writeHex(value, words, end - bytes)
}

function writeUint(index: number, value: bigint): void {
  if (value < 0n || value > MAX_AMOUNT) throw new RangeError(`not an amount: ${value}`)
  const start = index * 32
  words.fill(0, start, start + 16)
  view.setBigUint64(start + 16, value >> 64n)
  view.setBigUint64(start + 24, value)
}

function hashWords(count: number): Uint8Array {
  return keccak_256(words.subarray(0, count * 32))
}

const message = new Uint8Array(66)
message[0] = 0x19
message[1] = 0x01

function digest(domain: Uint8Array, struct: Uint8Array): Uint8Array {
  message.set(domain, 2)
  message.set(struct, 34)
  return keccak_256(message)
}

const separators = new Map<string, Uint8Array>()

/** The domain separator, cached. The contract is one of our own configuration, never of a payload, so the cache is bounded. */
function separator(name: string, version: string, chainId: number, contract: Address): Uint8Array {
  const key = `${chainId}${contract}${version.length} ${version}${name}`
  const known = separators.get(key)
  if (known) return known
  writeBytes32(0, DOMAIN())
  writeBytes32(1, hashText(name))
  writeBytes32(2, hashText(version))
  writeUint(3, BigInt(chainId))
  writeHex32(4, contract)
  const made = hashWords(5)
  separators.set(key, made)
  return made
}

/** The domain separator of a token. */
export function tokenSeparator({ name, version, chainId, address }: Token): Hex {
  return toHex(separator(name, version, chainId, address))
}

const escrowSeparator = (chainId: number, escrow: Address) =>
  separator('x402 Batch Settlement', '1', chainId, escrow)

/** The id of a channel: the EIP-712 digest of its configuration in the escrow's domain. */
export function channelId(config: ChannelConfig, chainId: number, escrow: Address): Hex {
  const domain = escrowSeparator(chainId, escrow)
  writeBytes32(0, CHANNEL_CONFIG())
  writeHex32(1, config.payer)
  writeHex32(2, config.payerAuthorizer)
  writeHex32(3, config.receiver)
  writeHex32(4, config.receiverAuthorizer)
  writeHex32(5, config.token)
  writeUint(6, BigInt(config.withdrawDelay))
  writeHex32(7, config.salt)
  return toHex(digest(domain, hashWords(8)))
}

/** The network of a channel (CAIP-2): the one whose chain and escrow make its id. Null for none that is known here. */
export function networkOfChannel(id: Hex, config: ChannelConfig): string | null {
  for (const network of networks.values()) {
    const { chainId, escrow, usdc } = network
    if (usdc.address === config.token && channelId(config, chainId, escrow) === id) return network.id
  }
  return null
}

/** The message that a payer's authorizer signs: the maximum total that may be claimed from the channel. */
export function voucherDigest(
  voucher: Pick<Voucher, 'channelId' | 'maxClaimableAmount'>,
  chainId: number,
  escrow: Address,
): Uint8Array {
  const domain = escrowSeparator(chainId, escrow)
  writeBytes32(0, VOUCHER())
  writeHex32(1, voucher.channelId)
  writeUint(2, voucher.maxClaimableAmount)
  return digest(domain, hashWords(3))
}

/** The message that a receiver's authorizer signs, so that any account may send its claims. Amounts in atomic units. */
export function claimBatchDigest(claims: readonly Claim[], chainId: number, escrow: Address): Uint8Array {
  const domain = escrowSeparator(chainId, escrow)
  const entries = new Uint8Array(claims.length * 32)
  for (const [at, { channel, maxClaimableAmount, totalClaimed }] of claims.entries()) {
    const id = channelId(channel, chainId, escrow)
    writeBytes32(0, CLAIM())
    writeHex32(1, id)
    writeUint(2, maxClaimableAmount)
    writeUint(3, totalClaimed)
    entries.set(hashWords(4), at * 32)
  }
  writeBytes32(0, CLAIM_BATCH())
  writeBytes32(1, keccak_256(entries))
  return digest(domain, hashWords(2))
}

/** The message that a payer signs for `exact`: EIP-3009 `TransferWithAuthorization`. */
export function transferAuthorizationDigest(authorization: Authorization, token: Token): Uint8Array {
  return authorizationDigest(TRANSFER(), authorization, token)
}

/** The message that a payer signs for a deposit: EIP-3009 `ReceiveWithAuthorization`, to the collector, with {@link depositNonce}. */
export function receiveAuthorizationDigest(authorization: Authorization, token: Token): Uint8Array {
  return authorizationDigest(RECEIVE(), authorization, token)
}

function authorizationDigest(type: Uint8Array, authorization: Authorization, token: Token): Uint8Array {
  const domain = separator(token.name, token.version, token.chainId, token.address)
  writeBytes32(0, type)
  writeHex32(1, authorization.from)
  writeHex32(2, authorization.to)
  writeUint(3, authorization.value)
  writeUint(4, authorization.validAfter)
  writeUint(5, authorization.validBefore)
  writeHex32(6, authorization.nonce)
  return digest(domain, hashWords(7))
}

/** The EIP-3009 nonce that binds a deposit's authorization to its channel: `keccak256(abi.encode(channelId, salt))`. */
export function depositNonce(channelId: Hex, salt: Hex): Hex {
  writeHex32(0, channelId)
  writeHex32(1, salt)
  return toHex(hashWords(2))
}
