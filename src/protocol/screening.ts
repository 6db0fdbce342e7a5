/** The vocabulary of screening: acts, verdicts, decisions and holds. Pure. */
import type { Address } from './evm/hex.ts'

/** Each act in which money meets an address. */
export const SCREENED_ACTS = ['deposit', 'voucher', 'exact', 'invoice', 'refund', 'claim', 'sweep'] as const

/** An act in which money meets an address. */
export type ScreenedAct = (typeof SCREENED_ACTS)[number]

/** The word of the sources about an address. */
export type ScreeningVerdict = {
  /** `unknown`: a source did not answer, or its list is too old. */
  status: 'clear' | 'listed' | 'unknown'
  /** The source that decided: `operator`, `oracle` and its address, or the URL of a list. Several with a blank between. */
  list: string
  /** The date of the list in Unix milliseconds: when it was fetched, or when the oracle was asked. Null for the operator's own. */
  dated: number | null
  reason: string
}

/** A decision: the verdict, and whether the act goes on. A listed address never does. */
export type Screened = ScreeningVerdict & { address: Address; act: ScreenedAct; isAllowed: boolean }

/**
 * The screening of both ends of a payment, to be journalled with it. Absent without screening; an older Worker sends none, or
 * that of the payer alone.
 */
export type JournalledScreening = { screening?: Screened; receiverScreening?: Screened }

/** Why an account is held: the list that names its payer. `since` in Unix milliseconds. */
export type Hold = { address: Address; list: string; dated: number | null; reason: string; since: number }

/** A journalled decision. `released`: the operator's word about a hold; `reason` then has the operator and its note. */
export type ScreeningEntry = Omit<Screened, 'status' | 'act'> & {
  seq: number
  /** Unix milliseconds. */
  at: number
  act: ScreenedAct | 'operator'
  status: ScreeningVerdict['status'] | 'released'
}
