/** The messages between the page and its server. Plain JSON: amounts are decimal strings of micro-dollars. */
import type { Address } from '../../protocol/evm/hex.ts'

/** The facts of the stack that the page shows. They contain no key. */
export type Facts = {
  /** The address of the paywall, without a slash at the end. */
  url: string
  receiver: Address
  network: string
  /** Pages to read. Empty for somebody's own site. */
  paths: string[]
  crawlers: Misbehaving[]
}

/** A crawler that misbehaves when its button is pressed. */
export type Misbehaving = { is: string; title: string; does: string }

/** A request as it goes to the paywall: nothing is added but `host` and `connection`. */
export type SiteRequest = { method: string; headers: Record<string, string> }

/** An answer of the paywall. */
export type SiteAnswer = { status: number; headers: [name: string, value: string][]; body: string }

/** The three running totals of an account. */
export type Totals = { authorized: string; charged: string; redeemed: string }

/** The wallet and the account to show. `account`: an id in the ledger; null before the first payment. */
export type MoneyQuestion = { address: Address; account: string | null }

/** `wallet` and `publisher`: USDC on chain. `escrow`: the balance that a channel has left there. `invoice`: the newest one on credit. */
export type Money = {
  wallet: string
  publisher: string
  escrow: string | null
  totals: Totals | null
  invoice: { id: string; stage: string; owed: string } | null
}

/** One midnight. `window`: the Unix time (ms) that it ended at. `rows`: the channels of a claim. */
export type Night = {
  window: number
  settlement: string
  billing: string
  claimed: string
  swept: string
  transactions: { kind: string; rows: number }[]
  invoices: number
}

/** The score of a misbehaving crawler. */
export type Result = {
  requests: number
  byStatus: Record<string, number>
  byReason: Record<string, number>
  pages: number
  delivered: string
  charged: string
  /** The price of pages that it got beyond what it was charged. */
  stolen: string
}

/** Why a call was refused, for people. */
export type Trouble = { error: string }
