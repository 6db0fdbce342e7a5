/** The books of a lab: one value that can be compared. Money is `bigint` in micro-dollars, times are virtual. */
import type { Address, Hex } from '../protocol/evm/hex.ts'

/** One entry of an account’s journal. `amount` in micro-dollars. */
export type BookEntry = { seq: number; at: number; kind: string; amount: bigint; id: string }

/** An account of the ledger, from its object. `ceiling`: escrow or credit limit; null for `exact`. */
export type BookAccount = {
  kind: 'channel' | 'exact' | 'credit'
  payer: string
  authorized: bigint
  charged: bigint
  redeemed: bigint
  ceiling: bigint | null
  /** Charges whose outcome is not known yet. */
  unresolved: number
  status: string
  entries: BookEntry[]
}

/** A channel on chain. `withdrawsAt`: Unix seconds of a withdrawal that was started, or null. */
export type BookChannel = { balance: bigint; claimed: bigint; withdrawsAt: number | null }

/** An invoice of a credit line. */
export type BookInvoice = { agent: string; stage: string; charged: bigint; total: bigint; owed: bigint }

/** A nightly run. */
export type BookRun = { id: string; kind: string; status: string; claimed: bigint; swept: bigint }

/** Everything at one moment. The keys of each record are ids. */
export type Books = {
  at: number
  accounts: Record<string, BookAccount>
  /** The rows of the read model, without accounts that it does not list. */
  listed: Record<string, { charged: bigint; redeemed: bigint } | null>
  chain: {
    /** USDC in the escrow contract. */
    escrow: bigint
    /** USDC in the wallets of the receivers, the relayer and every crawler. */
    wallets: Record<Address, bigint>
    channels: Record<Hex, BookChannel>
  }
  /** Invoices at the card processor. */
  stripe: Record<string, { status: string; total: bigint; paid: bigint }>
  invoices: Record<string, BookInvoice>
  runs: BookRun[]
  /** What the runs have reported. */
  findings: { run: string; account: string; what: string }[]
}
