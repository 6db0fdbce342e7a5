/** The state of the contracts: the escrow of channels, and USDC. The rules are those of the Solidity in src/testing. */
import { decodeAbiParameters, numberToHex } from 'viem'
import type { Log } from '../../src/chain/log.ts'
import type { ChannelConfig } from '../../src/protocol/evm/channel.ts'
import {
  channelId,
  depositNonce,
  receiveAuthorizationDigest,
  transferAuthorizationDigest,
  voucherDigest,
} from '../../src/protocol/evm/eip712.ts'
import type { Address, Hex } from '../../src/protocol/evm/hex.ts'
import { networks } from '../../src/protocol/evm/network.ts'
import { recover } from '../../src/protocol/evm/secp256k1.ts'
import { decodeCall, logOf } from './calls.ts'

/** The network that is simulated. */
export const NETWORK = required(networks.get('eip155:84532'))
const { chainId, escrow: ESCROW, collector: COLLECTOR, usdc: USDC } = NETWORK

/** Why a call reverts: the name of a custom error, or the message of a `require`. */
export class Revert extends Error {
  override name = 'Revert'
}

type Channel = { balance: bigint; claimed: bigint }
type Withdrawal = { amount: bigint; at: bigint }
type Receiver = { claimed: bigint; swept: bigint }

/** The caller, and the time of the block in Unix seconds. */
export type Call = { from: Address; time: bigint }

/** The state after one block. A copy is made before it changes. */
export class ChainState {
  channels = new Map<Hex, Channel>()
  withdrawals = new Map<Hex, Withdrawal>()
  refundNonces = new Map<Hex, bigint>()
  receivers = new Map<Address, Receiver>()
  balances = new Map<Address, bigint>()
  used = new Set<string>()
  nonces = new Map<Address, number>()
  wei = new Map<Address, bigint>()

  copy(): ChainState {
    const copy = new ChainState()
    copy.channels = new Map(this.channels)
    copy.withdrawals = new Map(this.withdrawals)
    copy.refundNonces = new Map(this.refundNonces)
    copy.receivers = new Map(this.receivers)
    copy.balances = new Map(this.balances)
    copy.used = new Set(this.used)
    copy.nonces = new Map(this.nonces)
    copy.wei = new Map(this.wei)
    return copy
  }

  channel(id: Hex): Channel {
    return this.channels.get(id) ?? { balance: 0n, claimed: 0n }
  }

  balance(owner: Address): bigint {
    return this.balances.get(owner) ?? 0n
  }

  /** Executes calldata at a contract, or reverts. @throws Revert */
  call(to: Address, data: Hex, call: Call): Log[] {
    if (to === ESCROW) return this.#escrow(data, call)
    if (to === USDC.address) return this.#token(data, call)
    return []
  }

  initiateWithdraw(config: ChannelConfig, asked: bigint, { time }: Call): Log[] {
    const id = idOf(config)
    const { balance, claimed } = this.channel(id)
    if (asked === 0n) throw new Revert('NothingToWithdraw')
    if (asked > balance - claimed) throw new Revert('WithdrawAmountExceedsAvailable')
    if (this.withdrawals.has(id)) throw new Revert('WithdrawalAlreadyPending')
    this.withdrawals.set(id, { amount: asked, at: time })
    const until = time + BigInt(config.withdrawDelay)
    return [logOf(ESCROW, 'WithdrawInitiated(bytes32,uint128,uint40)', [id], [asked, until])]
  }

  finalizeWithdraw(config: ChannelConfig, { time }: Call): Log[] {
    const id = idOf(config)
    const pending = this.withdrawals.get(id)
    if (!pending) throw new Revert('WithdrawalNotPending')
    if (time < pending.at + BigInt(config.withdrawDelay)) throw new Revert('WithdrawDelayNotElapsed')
    this.withdrawals.delete(id)
    return this.#take(id, pending.amount, config.payer).logs
  }

  transfer(from: Address, to: Address, value: bigint): Log[] {
    if (this.balance(from) < value) throw new Revert('ERC20: transfer amount exceeds balance')
    this.balances.set(from, this.balance(from) - value)
    this.balances.set(to, this.balance(to) + value)
    return [logOf(USDC.address, 'Transfer(address,address,uint256)', [from, to], [value])]
  }

  cancelAuthorization(from: Address, nonce: Hex): Log[] {
    this.#use(from, nonce)
    return [logOf(USDC.address, 'AuthorizationCanceled(address,bytes32)', [from, nonce], [])]
  }

  #escrow(data: Hex, call: Call): Log[] {
    const { name, args } = decodeCall(data)
    switch (name) {
      case 'multicall':
        return (args[0] as Hex[]).flatMap((inner) => this.#escrow(inner, call))
      case 'claim':
        return (args[0] as ClaimRow[]).flatMap((row) => this.#claim(row, call.from))
      case 'settle':
        return this.#settle(lower(args[0] as string), call.from)
      case 'refund':
        return this.#refund(configOf(args[0] as WireConfig), args[1] as bigint, call.from)
      case 'deposit':
        return this.#deposit(configOf(args[0] as WireConfig), args[1] as bigint, args[3] as Hex, call)
      default:
        throw new RangeError(`the model must know ${name}`)
    }
  }

  #claim(row: ClaimRow, from: Address): Log[] {
    const config = configOf(row.voucher.channel)
    if (from !== config.receiverAuthorizer && from !== config.receiver)
      throw new Revert('NotAuthorizedToClaim')
    const id = idOf(config)
    const channel = this.channel(id)
    const { totalClaimed: total } = row
    if (total <= channel.claimed) return []
    if (total > row.voucher.maxClaimableAmount) throw new Revert('ClaimExceedsCeiling')
    if (total > channel.balance) throw new Revert('ClaimExceedsBalance')
    if (voucherSigner(id, row.voucher.maxClaimableAmount, row.signature) !== config.payerAuthorizer)
      throw new Revert('InvalidSignature')
    const amount = total - channel.claimed
    this.channels.set(id, { ...channel, claimed: total })
    const { claimed, swept } = this.receivers.get(config.receiver) ?? { claimed: 0n, swept: 0n }
    this.receivers.set(config.receiver, { claimed: claimed + amount, swept })
    return [logOf(ESCROW, 'Claimed(bytes32,address,uint128,uint128)', [id, from], [amount, total])]
  }

  #settle(receiver: Address, from: Address): Log[] {
    const { claimed, swept } = this.receivers.get(receiver) ?? { claimed: 0n, swept: 0n }
    const amount = claimed - swept
    if (amount === 0n) return []
    this.receivers.set(receiver, { claimed, swept: claimed })
    const indexed = [receiver, USDC.address, from]
    const settled = logOf(ESCROW, 'Settled(address,address,address,uint128)', indexed, [amount])
    return [settled, ...this.transfer(ESCROW, receiver, amount)]
  }

  #refund(config: ChannelConfig, asked: bigint, from: Address): Log[] {
    if (from !== config.receiverAuthorizer && from !== config.receiver)
      throw new Revert('NotAuthorizedToRefund')
    if (asked === 0n) throw new Revert('ZeroRefund')
    const id = idOf(config)
    this.refundNonces.set(id, (this.refundNonces.get(id) ?? 0n) + 1n)
    const { amount, logs } = this.#take(id, asked, config.payer)
    if (amount === 0n) return []
    const pending = this.withdrawals.get(id)
    if (pending && amount < pending.amount)
      this.withdrawals.set(id, { ...pending, amount: pending.amount - amount })
    else this.withdrawals.delete(id)
    return [logOf(ESCROW, 'Refunded(bytes32,address,uint128)', [id, from], [amount]), ...logs]
  }

  #take(id: Hex, asked: bigint, payer: Address): { amount: bigint; logs: Log[] } {
    const channel = this.channel(id)
    const available = channel.balance - channel.claimed
    const amount = asked < available ? asked : available
    this.channels.set(id, { ...channel, balance: channel.balance - amount })
    return { amount, logs: amount > 0n ? this.transfer(ESCROW, payer, amount) : [] }
  }

  #deposit(config: ChannelConfig, amount: bigint, collectorData: Hex, call: Call): Log[] {
    if (amount === 0n) throw new Revert('ZeroDeposit')
    const [validAfter, validBefore, salt, signature] = decodeAbiParameters(
      [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }],
      collectorData,
    )
    const id = idOf(config)
    const nonce = depositNonce(id, numberToHex(salt, { size: 32 }))
    const authorization = { from: config.payer, to: COLLECTOR, value: amount, validAfter, validBefore, nonce }
    const signer = recover(receiveAuthorizationDigest(authorization, USDC), signature)
    this.#authorize({ ...authorization, signer }, call.time)
    const paid = this.transfer(config.payer, ESCROW, amount)
    const channel = this.channel(id)
    const balance = channel.balance + amount
    this.channels.set(id, { ...channel, balance })
    const deposited = logOf(
      ESCROW,
      'Deposited(bytes32,address,uint128,uint128)',
      [id, call.from],
      [amount, balance],
    )
    return [usedLog(config.payer, nonce), ...paid, deposited]
  }

  #token(data: Hex, call: Call): Log[] {
    const { name, args } = decodeCall(data)
    if (name !== 'transferWithAuthorization') throw new RangeError(`the model must know ${name}`)
    const [from, to, value, validAfter, validBefore, nonce, v, r, s] = args as TransferArguments
    const authorization = { from: lower(from), to: lower(to), value, validAfter, validBefore, nonce }
    const signature: Hex = `0x${r.slice(2)}${s.slice(2)}${v.toString(16)}`
    const signer = recover(transferAuthorizationDigest(authorization, USDC), signature)
    this.#authorize({ ...authorization, signer }, call.time)
    return [usedLog(authorization.from, nonce), ...this.transfer(authorization.from, authorization.to, value)]
  }

  #authorize(
    authorization: {
      from: Address
      validAfter: bigint
      validBefore: bigint
      nonce: Hex
      signer: Address | undefined
    },
    time: bigint,
  ): void {
    const { from, validAfter, validBefore, nonce, signer } = authorization
    if (time <= validAfter) throw new Revert('FiatTokenV2: authorization is not yet valid')
    if (time >= validBefore) throw new Revert('FiatTokenV2: authorization is expired')
    if (signer !== from) throw new Revert('FiatTokenV2: invalid signature')
    this.#use(from, nonce)
  }

  #use(from: Address, nonce: Hex): void {
    const key = `${from}:${nonce.toLowerCase()}`
    if (this.used.has(key)) throw new Revert('FiatTokenV2: authorization is used or canceled')
    this.used.add(key)
  }
}

type WireConfig = {
  payer: Address
  payerAuthorizer: Address
  receiver: Address
  receiverAuthorizer: Address
  token: Address
  withdrawDelay: number
  salt: Hex
}
type TransferArguments = [string, string, bigint, bigint, bigint, Hex, number, Hex, Hex]
type ClaimRow = {
  voucher: { channel: WireConfig; maxClaimableAmount: bigint }
  signature: Hex
  totalClaimed: bigint
}

function configOf(wire: WireConfig): ChannelConfig {
  return {
    payer: lower(wire.payer),
    payerAuthorizer: lower(wire.payerAuthorizer),
    receiver: lower(wire.receiver),
    receiverAuthorizer: lower(wire.receiverAuthorizer),
    token: lower(wire.token),
    withdrawDelay: wire.withdrawDelay,
    salt: wire.salt,
  }
}

function idOf(config: ChannelConfig): Hex {
  return channelId(config, chainId, ESCROW)
}

const signers = new Map<string, Address | undefined>()

/** The signer of a voucher. Each is recovered once: a batch is simulated, sent and mined. */
function voucherSigner(id: Hex, max: bigint, signature: Hex): Address | undefined {
  const key = `${id}${max}${signature}`
  if (!signers.has(key)) {
    if (signers.size > 10_000) signers.clear()
    signers.set(
      key,
      recover(voucherDigest({ channelId: id, maxClaimableAmount: max }, chainId, ESCROW), signature),
    )
  }
  return signers.get(key)
}

function usedLog(from: Address, nonce: Hex): Log {
  return logOf(USDC.address, 'AuthorizationUsed(address,bytes32)', [from, nonce], [])
}

function lower(address: string): Address {
  return address.toLowerCase() as Address
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the network must be known')
  return value
}
