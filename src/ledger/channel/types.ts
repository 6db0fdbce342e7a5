/** The state of a channel account, and the arguments and results of its calls. Amounts in atomic units. */
import type { ChannelConfig, ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import type { Hold, JournalledScreening } from '../../protocol/screening.ts'
import type { SaleFacts, SentSaleFacts } from '../sold.ts'
import type { StoredAnswer } from '../stored-answers.ts'
import type { Totals } from '../totals.ts'

/** The state of one channel account. The ceiling is `state.balance`. */
export type Standing = Totals & {
  channelId: Hex
  config: ChannelConfig
  /**
   * The signature of the voucher over `authorized`; `0x` if only the chain knows it, or before the first
   * voucher.
   */
  signature: Hex
  /** The on-chain state as last read. */
  state: ChannelState
  /** Why a claim of this channel alone failed, or null. */
  quarantine: string | null
  /** Our own transaction with an unknown outcome, or null. Its `id` is the relayer's order. */
  unresolved: Unresolved | null
  /** Present while the account is held: its payer is listed, and the operator has not released it. */
  hold?: Hold
}

/** A deposit or refund with an unknown outcome. An older account stores the first three fields alone. */
export type Unresolved = {
  kind: 'deposit' | 'refund'
  id: string
  /** When it was begun, or found undone by a reorganization, in Unix milliseconds. */
  since: number
  /** The channel's nonce on chain once the refund is mined, in decimal. */
  refundNonce?: string
  /** The refund was mined before, and a reorganization has undone it. */
  undone?: true
  /** The refund that was found undone while this one was open. */
  behind?: Unresolved
}

/** The fields of every order. `max` is the total that the voucher authorizes. */
type Signed = JournalledScreening & {
  /** The idempotency key: repeat the call with it after an unknown outcome. */
  id: string
  max: bigint
  signature: Hex
}

/**
 * Charges `price` for `request`. `settled` closes the deposit that came with the voucher, in the same write.
 */
export type ChargeOrder = Signed &
  SentSaleFacts & {
    kind: 'charge'
    price: bigint
    /** The unclaimed limit: the most that may be charged and not claimed on this channel, in atomic units. */
    exposure: bigint
    /**
     * The resource: method, URL and body digest. The same voucher reopens this resource for free, and no other.
     */
    request: string
    /** Whether the method has effects: its replays get the stored answer, and the origin is not asked again. */
    hasEffects?: boolean
    /** Requests of which one may be open to the payer: then nothing is charged. An older Worker sends none. */
    opened?: readonly string[]
    /** How long the charge keeps its request open, in milliseconds. */
    openMs?: number
    /** The deposit that came with the voucher, and the state after it. */
    settled?: { id: string; state: ChannelState; transaction: Hex }
  }

/**
 * Opens or tops up the channel. Returns `begun` if no other transaction is pending and the voucher is the
 * next one. `delivery`: the request that a replay of the voucher serves, since `id` is of the deposit alone; an older Worker sends
 * none.
 */
export type DepositOrder = Signed & {
  kind: 'deposit'
  delivery?: string
  price: bigint
  request: string
  hasEffects?: boolean
}

/**
 * Refunds `amount`, or with null all that is left. The voucher must equal `charged`. `least`: the least refund, in atomic
 * units; an older Worker sends none.
 */
export type RefundOrder = Signed & { kind: 'refund'; amount: bigint | null; least?: bigint }

/** An order to {@link Account.place}. */
export type Order = ChargeOrder | DepositOrder | RefundOrder

/**
 * A charge: `due` is its amount, `charged` the total right after it. A replay returns the same two values. `opened`: the payer
 * has paid for the page before, `due` is 0, and `entry` is that charge.
 *
 * Trade-off: it holds only the fields of a receipt, because RPC copies it for every request.
 */
export type Charged = {
  outcome: 'charged' | 'replayed' | 'opened'
  entry: number
  due: bigint
  charged: bigint
  state: ChannelState
  /** The transaction of the deposit that came with the charge, or null. */
  transaction: Hex | null
  /** For a replay of a method with effects: the stored answer. */
  answer?: StoredAnswer
}

/**
 * The result of an order. `begun`: the caller must submit the transaction and then close it. `refused`:
 * nothing changed; the state is null if the account was never opened.
 */
export type Answer =
  | Charged
  | { outcome: 'begun'; amount: bigint; standing: Standing }
  | { outcome: 'refused'; reason: Reason; standing: Standing | null }

/** One journal entry of a channel account, with the totals after it. Charges, releases and lowered prices say what was sold. */
export type Entry = Totals &
  SaleFacts & {
    seq: number
    /** Unix milliseconds, by the account's clock. */
    at: number
    kind: 'open' | 'charge' | 'replay' | 'release' | 'lower' | 'deposit' | 'refund' | 'chain' | 'quarantine'
    amount: bigint
    ceiling: bigint
    /** The operation's idempotency key. */
    id: string
    max: bigint | null
    signature: Hex | null
    request: string | null
    transaction: Hex | null
    /** For a replay, release or lower: the charge's `seq`. */
    of: number | null
  }
