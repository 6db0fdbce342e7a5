/** The escrow contract `x402BatchSettlement`: calldata, reads and events (x402 batch-settlement EVM). */
import {
  decodeErrorResult,
  decodeEventLog,
  decodeFunctionResult,
  encodeAbiParameters,
  encodeFunctionData,
  prepareEncodeFunctionData,
  toEventSelector,
} from 'viem'
import type { ChannelConfig, ChannelState, Claim } from '../protocol/evm/channel.ts'
import type { Address, Hex } from '../protocol/evm/hex.ts'
import { parseAbi } from './abi.ts'
import type { Log } from './log.ts'
import type { ContractCall } from './multicall.ts'
import { decoded } from './node-client.ts'

/** The functions, events and errors of the contract that are used here. */
export const escrowAbi = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'struct Voucher { ChannelConfig channel; uint128 maxClaimableAmount; }',
  'struct VoucherClaim { Voucher voucher; bytes signature; uint128 totalClaimed; }',
  'function deposit(ChannelConfig config, uint128 amount, address collector, bytes collectorData)',
  'function claim(VoucherClaim[] claims)',
  'function claimWithSignature(VoucherClaim[] claims, bytes signature)',
  'function settle(address receiver, address token)',
  'function refund(ChannelConfig config, uint128 amount)',
  'function refundWithSignature(ChannelConfig config, uint128 amount, uint256 nonce, bytes signature)',
  'function multicall(bytes[] data) returns (bytes[])',
  'function channels(bytes32 channelId) view returns (uint128 balance, uint128 totalClaimed)',
  'function pendingWithdrawals(bytes32 channelId) view returns (uint128 amount, uint40 initiatedAt)',
  'function refundNonce(bytes32 channelId) view returns (uint256)',
  'function receivers(address receiver, address token) view returns (uint128 totalClaimed, uint128 totalSettled)',
  'event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance)',
  'event Claimed(bytes32 indexed channelId, address indexed sender, uint128 claimAmount, uint128 newTotalClaimed)',
  'event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount)',
  'event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount)',
  'error InvalidChannel()',
  'error ZeroDeposit()',
  'error DepositOverflow()',
  'error InvalidSignature()',
  'error NotReceiverAuthorizer()',
  'error NotAuthorizedToClaim()',
  'error NotAuthorizedToRefund()',
  'error ClaimExceedsCeiling()',
  'error ClaimExceedsBalance()',
  'error WithdrawalAlreadyPending()',
  'error WithdrawalNotPending()',
  'error NotAuthorizedToFinalizeWithdraw()',
  'error WithdrawDelayNotElapsed()',
  'error NothingToWithdraw()',
  'error WithdrawAmountExceedsAvailable()',
  'error WithdrawDelayOutOfRange()',
  'error EmptyBatch()',
  'error DepositCollectionFailed()',
  'error InvalidCollector()',
  'error InvalidRefundNonce()',
  'error ZeroRefund()',
  'error OnlyX402BatchSettlement()',
  'error ECDSAInvalidSignature()',
  'error ECDSAInvalidSignatureLength(uint256 length)',
  'error ECDSAInvalidSignatureS(bytes32 s)',
])

/** `claim`: only the receiver or the receiver's authorizer of every row may send it. */
export function encodeClaim(claims: Claim[]): Hex {
  return encodeFunctionData({ abi: escrowAbi, functionName: 'claim', args: [claims.map(claimRow)] })
}

/** `claimWithSignature`: any account may send it. The receiver authorizer signs the batch. */
export function encodeClaimWithSignature(claims: Claim[], signature: Hex): Hex {
  const args = [claims.map(claimRow), signature] as const
  return encodeFunctionData({ abi: escrowAbi, functionName: 'claimWithSignature', args })
}

/** `settle`, our *sweep*: transfers everything claimed for a receiver to it. Does nothing when nothing is claimed. */
export function encodeSweep(receiver: Address, token: Address): Hex {
  return encodeFunctionData({ abi: escrowAbi, functionName: 'settle', args: [receiver, token] })
}

/** `deposit` of an ERC-3009 authorization that pays the collector. Atomic units; Unix seconds. */
export function encodeDeposit(
  config: ChannelConfig,
  amount: bigint,
  collector: Address,
  authorization: { validAfter: bigint; validBefore: bigint; salt: Hex; signature: Hex },
): Hex {
  const { validAfter, validBefore, salt, signature } = authorization
  const collectorData = encodeAbiParameters(
    // validAfter, validBefore, salt, signature
    [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }],
    [validAfter, validBefore, BigInt(salt), signature],
  )
  const args = [config, amount, collector, collectorData] as const
  return encodeFunctionData({ abi: escrowAbi, functionName: 'deposit', args })
}

/** `refund`: only the receiver or its authorizer may send it. Atomic units. */
export function encodeRefund(config: ChannelConfig, amount: bigint): Hex {
  return encodeFunctionData({ abi: escrowAbi, functionName: 'refund', args: [config, amount] })
}

/** `multicall`: executes all calls or none, with one sender. */
export function encodeMulticall(calls: Hex[]): Hex {
  return encodeFunctionData({ abi: escrowAbi, functionName: 'multicall', args: [calls] })
}

// Made once: a read of 100 channels would hash 300 signatures.
const CHANNEL_READS = (['channels', 'pendingWithdrawals', 'refundNonce'] as const).map((functionName) =>
  prepareEncodeFunctionData({ abi: escrowAbi, functionName }),
)

/** The three reads that {@link decodeChannel} needs. */
export function channelReads(escrow: Address, channelId: Hex): ContractCall[] {
  return CHANNEL_READS.map((read) => ({
    to: escrow,
    data: encodeFunctionData({ ...read, args: [channelId] }),
  }))
}

/** The state of a channel from the answers to {@link channelReads}. @throws viem's decoding errors */
export function decodeChannel(
  [channel = '0x', withdrawal = '0x', nonce = '0x']: Hex[],
  block: bigint,
): ChannelState {
  const abi = escrowAbi
  const [balance, totalClaimed] = decodeFunctionResult({ abi, functionName: 'channels', data: channel })
  const [amount, initiatedAt] = decodeFunctionResult({
    abi,
    functionName: 'pendingWithdrawals',
    data: withdrawal,
  })
  const refundNonce = decodeFunctionResult({ abi, functionName: 'refundNonce', data: nonce })
  return {
    balance,
    totalClaimed,
    withdrawRequestedAt: initiatedAt,
    withdrawAmount: amount,
    refundNonce,
    block,
  }
}

/** The read that {@link decodeReceiver} needs. */
export function receiverRead(escrow: Address, receiver: Address, token: Address): ContractCall {
  const data = encodeFunctionData({ abi: escrowAbi, functionName: 'receivers', args: [receiver, token] })
  return { to: escrow, data }
}

/** The totals of a receiver, in atomic units. @throws viem's decoding errors */
export function decodeReceiver(answer: Hex): { claimed: bigint; swept: bigint } {
  const [claimed, swept] = decodeFunctionResult({ abi: escrowAbi, functionName: 'receivers', data: answer })
  return { claimed, swept }
}

/** An event of the escrow. Amounts in atomic units; `swept` is the contract's `Settled`. */
export type EscrowEvent =
  | { kind: 'deposited' | 'claimed' | 'refunded'; channelId: Hex; amount: bigint }
  | { kind: 'swept'; receiver: Address; amount: bigint }

const KNOWN_EVENTS = new Set(
  escrowAbi.filter((item) => item.type === 'event').map((event) => toEventSelector(event)),
)

/** The escrow's events among a transaction's logs, in order. @throws ChainFault for an event that does not decode */
export function escrowEvents(escrow: Address, logs: Log[]): EscrowEvent[] {
  return logs.filter((log) => log.address === escrow && KNOWN_EVENTS.has(log.topics[0] ?? '0x')).map(eventOf)
}

function eventOf({ topics: [topic, ...rest], data }: Log): EscrowEvent {
  const event = decoded(() => decodeEventLog({ abi: escrowAbi, topics: topic ? [topic, ...rest] : [], data }))
  switch (event.eventName) {
    case 'Deposited':
      return { kind: 'deposited', channelId: event.args.channelId, amount: event.args.amount }
    case 'Claimed':
      return { kind: 'claimed', channelId: event.args.channelId, amount: event.args.claimAmount }
    case 'Refunded':
      return { kind: 'refunded', channelId: event.args.channelId, amount: event.args.amount }
    case 'Settled': {
      const receiver = event.args.receiver.toLowerCase() as Address
      return { kind: 'swept', receiver, amount: event.args.amount }
    }
  }
}

/** The name of a custom error, the message of a `require` (cut to 120 characters), or `unknown`. */
export function revertReason(data: Hex | undefined): string {
  if (!data || data.length < 10) return 'unknown'
  try {
    const error: { errorName: string; args?: readonly unknown[] | undefined } = decodeErrorResult({
      abi: escrowAbi,
      data,
    })
    return error.errorName === 'Error' ? String(error.args?.[0]).slice(0, 120) : error.errorName
  } catch {
    return 'unknown'
  }
}

function claimRow({ channel, maxClaimableAmount, signature, totalClaimed }: Claim) {
  return { voucher: { channel, maxClaimableAmount }, signature, totalClaimed }
}
