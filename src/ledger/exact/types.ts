/** The arguments and results of the calls of an `exact` payer's object. Amounts in atomic units. */
import type { Address, Hex } from '../../protocol/evm/hex.ts'
import type { Reason } from '../../protocol/refusal.ts'
import type { JournalledScreening } from '../../protocol/screening.ts'
import type { SaleFacts, SentSaleFacts } from '../sold.ts'
import type { StoredAnswer } from '../stored-answers.ts'

/**
 * One use of one EIP-3009 authorization, identified by network, token, payer and nonce. Amounts in atomic
 * units.
 */
export type Use = SentSaleFacts &
  JournalledScreening & {
    /** The request's idempotency key: repeat the call with it after an unknown outcome. */
    id: string
    /** The object's own name: `<network>:<payer>`. */
    name: string
    token: Address
    payer: Address
    receiver: Address
    nonce: Hex
    /** The value of the authorization. */
    amount: bigint
    /** Unix seconds. The token contract rejects the authorization from then on. */
    validBefore: bigint
    signature: Hex
    request: string
    /** Whether the method has effects: it is carried out once, and its replays get the stored answer. */
    hasEffects?: boolean
    /** Requests of which one may be open to the payer: then nothing is reserved. An older Worker sends none. */
    opened?: readonly string[]
    /** Whether somebody else may hold the signature already. Otherwise it is shown by `Authorizations.renew`. */
    isShown?: boolean
  }

/**
 * A payment that no request holds any more and that the chain may show now or later: its outcome is unknown, it was refused
 * after somebody had seen its signature, or a reorganization has undone it.
 */
export type UnresolvedPayment = Pick<Use, 'token' | 'receiver' | 'nonce' | 'amount' | 'validBefore'> & {
  /** The id of the request that held it last. */
  taker: string
  /** When it was first reserved, in Unix milliseconds. */
  since: number
  /** Whether it was settled, and the chain lacks its transfer. */
  isUndone: boolean
}

/** The name of an authorization of one payer. */
export type AuthorizationKey = Pick<Use, 'token' | 'nonce'>

/** A settled payment whose block was not final yet. `transaction`: its transfer. */
export type ProvisionalPayment = Pick<Use, 'token' | 'receiver' | 'nonce' | 'amount' | 'validBefore'> & {
  transaction: Hex
}

/** A settled payment that a reorganization has undone for good. `number`: the place of its loss among payments and losses. */
export type LostPayment = Pick<Use, 'nonce' | 'amount'> & { number: number; transaction: Hex }

/** The result of `Authorizations.take`. */
export type Reservation =
  /**
   * An unknown payer, or one with a refused payment, and `opens` is false. Nothing was stored. `hasPaid`: a customer, who must
   * not share a limit with strangers. An older object leaves it out.
   */
  | { outcome: 'unknown_payer'; hasPaid?: boolean }
  /** Reserved: unused so far, or its earlier request failed. Settle it. */
  | { outcome: 'taken' }
  /**
   * An earlier request for the same resource left it unresolved. Read the chain before you settle. `isLate`: it has lapsed
   * since, so there is nothing to settle any more.
   */
  | { outcome: 'doubtful'; isLate: boolean }
  /** Already paid for this request, recently or without a delivery. Deliver it, or its answer; do not settle. */
  | { outcome: 'replayed'; transaction: Hex; answer?: StoredAnswer }
  /** The payer has paid for the page before, by this transaction. Nothing was reserved: deliver it, do not settle. */
  | { outcome: 'opened'; transaction: Hex }
  | { outcome: 'refused'; reason: Reason }

/** `released`: unpaid, so that any request may reserve it again. `doubtful`: its outcome is unknown. */
export type Status = 'taken' | 'doubtful' | 'settled' | 'released'

/**
 * One payer's `exact` payments: their number and sum in atomic units, and how many are unresolved, undelivered, or
 * watched: refused, while the authorization may still be used. `provisional`: how many of them no run has seen in a final block.
 * `lost`: how many more were settled, and undone for good.
 */
export type ExactTotals = {
  payments: number
  received: bigint
  inDoubt: number
  undelivered: number
  watched: number
  provisional: number
  lost: number
}

/**
 * A reserved authorization, as evidence. `at` is its last change in Unix milliseconds, or null without a
 * transfer.
 */
export type RecordedPayment = SaleFacts & {
  /** `<token>:<nonce>` */
  id: string
  /**
   * `undelivered`: the transfer is on chain, and no answer was delivered for it yet. `watched`: refused, and looked for until
   * the chain shows that it can never be used. `undone`: settled, and looked for since a reorganization undid the transfer.
   * `lost`: settled, and undone for good.
   */
  status: Status | 'undelivered' | 'watched' | 'undone' | 'lost'
  at: number | null
  amount: bigint
  request: string
  transaction: Hex | null
  signature: Hex
}
