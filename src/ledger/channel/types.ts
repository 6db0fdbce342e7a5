/** One payer's standing on a channel, and the words of the account's calls. */
import type { ChannelConfig, ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import type { Totals } from '../totals.ts'

/** All that is known of one account. The ceiling is `state.balance`. */
export type Standing = Totals & {
  channelId: Hex
  config: ChannelConfig
  /** Of the voucher over `authorized`; `0x` while the payer has signed none. */
  signature: Hex
  /** The last the account was told of the chain. */
  state: ChannelState
  /** Why the last claim of this row failed alone, or null. */
  quarantine: string | null
  /** A transaction of ours whose outcome is not known yet; `id` is the relayer's order. */
  unresolved: Unresolved | null
}

/** `since` in Unix milliseconds. */
export type Unresolved = { kind: 'deposit' | 'refund'; id: string; since: number }

/** What every request to an account carries. `max` is the voucher's ceiling. */
type Signed = {
  /** Names this operation; the same call may be repeated with it after an unknown outcome. */
  id: string
  max: bigint
  signature: Hex
}

/** Charge `price` for `request`. `settled` closes the deposit that came with the voucher, in the same write. */
export type ChargeOrder = Signed & {
  kind: 'charge'
  price: bigint
  /** The most that may stay unclaimed on this channel, in atomic units. */
  exposure: bigint
  /** What is bought: method, URL and the digest of a body. The same voucher opens it again for free, and nothing else. */
  request: string
  /** The deposit that came with the voucher, and what came of it. */
  settled?: { id: string; state: ChannelState; transaction: Hex }
}

/** Open or top up the channel; answered `begun` when no other transaction is under way and the voucher follows. */
export type DepositOrder = Signed & { kind: 'deposit'; price: bigint; request: string }

/** Give back `amount`, or all that is left. The voucher is over exactly what is charged. */
export type RefundOrder = Signed & { kind: 'refund'; amount: bigint | null }

export type Order = ChargeOrder | DepositOrder | RefundOrder

/**
 * `due` is what was charged, `charged` the total right after it: a replay repeats both. No more of the standing than a receipt
 * tells: it is copied for each request.
 */
export type Charged = {
  outcome: 'charged' | 'replayed'
  entry: number
  due: bigint
  charged: bigint
  state: ChannelState
  /** The deposit that came with the charge. */
  transaction: Hex | null
}

export type Answer =
  | Charged
  | { outcome: 'begun'; amount: bigint; standing: Standing }
  | { outcome: 'refused'; reason: Reason; standing: Standing | null }

/** One line of an account's journal. Totals are those after the entry. */
export type Entry = Totals & {
  seq: number
  /** Unix milliseconds, by the account's own clock. */
  at: number
  kind: 'open' | 'charge' | 'replay' | 'release' | 'deposit' | 'refund' | 'chain' | 'quarantine'
  amount: bigint
  ceiling: bigint
  /** The operation's id. */
  id: string
  max: bigint | null
  signature: Hex | null
  request: string | null
  transaction: Hex | null
  /** The charge that this entry repeats or takes back. */
  of: number | null
}
