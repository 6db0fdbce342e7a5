/** The books of a lab: one value that can be compared. Money is `bigint` in micro-dollars, times are virtual. */
import type { Address, Hex } from '../protocol/evm/hex.ts'

/**
 * One entry of an account’s journal. `amount` in micro-dollars, `at` in Unix milliseconds. `charged`, `ceiling`: the total after it, and
 * the most that it might reach then; null for `exact`. `of`: the charge that it is about. `proof`: what may be charged once; null but
 * for charges. `isSigned`: whether the payer’s signature is stored with it.
 */
export type BookEntry = {
  id: string
  at: number
  kind: string
  amount: bigint
  charged: bigint | null
  ceiling: bigint | null
  of: string | null
  proof: string | null
  isSigned: boolean
}

/** An account of the ledger, from its object. `ceiling`: escrow or credit limit; null for `exact`. */
export type BookAccount = {
  kind: 'channel' | 'exact' | 'credit'
  authorized: bigint
  charged: bigint
  redeemed: bigint
  ceiling: bigint | null
  /** Why one more charge may be refused: `open`, `quarantined`, `held`, or the reason of a closed credit line. */
  status: string
  /** Payments whose outcome is not known yet. */
  unresolved: number
  entries: BookEntry[]
}

/** A channel on chain. `withdrawsSince`: when a withdrawal was started, in Unix seconds, or null. */
export type BookChannel = { balance: bigint; claimed: bigint; withdrawsSince: number | null }

/** A payment of an invoice; a reversal has a negative amount, and a failure none. `reference`: at the rail. */
export type BookPayment = { reference: string; amount: bigint }

/**
 * An invoice of a credit line. `carried`: below a cent, on the next invoice. `stages`, `payments`: its history, in order.
 */
export type BookInvoice = {
  number: number
  agent: string
  periods: string[]
  stage: string
  stages: string[]
  payments: BookPayment[]
  charged: bigint
  carriedIn: bigint
  carried: bigint
  net: bigint
  total: bigint
  paid: bigint
  owed: bigint
}

/** A nightly run. */
export type BookRun = { kind: string; status: string; claimed: bigint; swept: bigint }

/** Something that a run has reported. */
export type BookFinding = { run: string; account: string; what: string }

/** Everything at one moment. The keys of each record are ids. */
export type Books = {
  at: number
  accounts: Record<string, BookAccount>
  /** The totals of the read model; null for an account that it lists and no run has read yet. */
  listed: Record<string, { charged: bigint; redeemed: bigint } | null>
  chain: {
    /** All USDC there is. */
    supply: bigint
    /** USDC in the escrow contract. */
    escrow: bigint
    /** USDC in the wallets of the receivers, the relayer and every crawler. */
    wallets: Record<Address, bigint>
    channels: Record<Hex, BookChannel>
    /** USDC that the escrow has sent to the receivers. */
    swept: bigint
    /** USDC that payers by `exact` have sent to the receivers, by account. */
    sent: Record<string, bigint>
    /** The nonces of their authorizations that have moved USDC to the receivers, by account. */
    used: Record<string, string[]>
  }
  /** The wallets of the operator and of sites that receive themselves. */
  receivers: Address[]
  /** Invoices at the card processor. */
  stripe: Record<string, { status: string; total: bigint; paid: bigint }>
  invoices: Record<string, BookInvoice>
  runs: Record<string, BookRun>
  findings: BookFinding[]
}
