/** Where the book, the accounts and the chain disagree. Pure. */
import type { Listing } from '../ledger/book/accounts.ts'
import type { Standing } from '../ledger/channel/types.ts'
import type { ChannelState } from '../protocol/evm/channel.ts'
import type { Address } from '../protocol/evm/hex.ts'

/**
 * - `silent`: an account did not answer.
 * - `book_ahead`: the book knows of more than the account does: the account has lost entries, or the book was written to.
 * - `book_differs`: a line of the book is not what was just written to it.
 * - `overclaimed`: the chain has more claimed than was charged here: the key claims elsewhere, or the account has lost entries.
 * - `chain_behind`: the chain has less claimed than it had: a reorganisation, or a node of another past.
 * - `uncovered`: the escrow no longer holds what is owed. A loss, unless the payer tops up.
 * - `elsewhere`: an account of another network owes: the site moved before all was claimed there.
 * - `receiver_behind`: the chain has claimed less for a receiver than its accounts together were told.
 * - `unswept`: what was claimed for a receiver has not all reached the receiver.
 * - `undelivered`: payments by `exact` that arrived although their requests died. The payer may ask again, or have it back.
 * - `rail_failed`: an invoice could not be made or handed over, or its rail could not be asked. The next run tries again.
 * - `overpaid`: more came in for an invoice than it was over. The rest is the payer's.
 * - `overcredited`: more was credited at the rail than was left of an invoice. The rest is not credited here.
 */
export type Finding = {
  account: string
  what:
    | 'silent'
    | 'book_ahead'
    | 'book_differs'
    | 'overclaimed'
    | 'chain_behind'
    | 'uncovered'
    | 'elsewhere'
    | 'receiver_behind'
    | 'unswept'
    | 'undelivered'
    | 'rail_failed'
    | 'overpaid'
    | 'overcredited'
  detail: string
}

/** Compares a line of the book with its account. Neither total of the two ever falls, but for a reorganisation. */
export function compareBook({ id: account, totals }: Listing, standing: Standing | null): Finding[] {
  if (!totals) return []
  const { authorized, redeemed } = standing ?? { authorized: 0n, redeemed: 0n }
  if (totals.authorized <= authorized && totals.redeemed <= redeemed) return []
  const detail =
    `the book has authorized ${totals.authorized}, redeemed ${totals.redeemed}; ` +
    `the account has ${authorized} and ${redeemed}`
  return [{ account, what: 'book_ahead', detail }]
}

/** Compares an account with what the chain said after it answered. Word of an older block than the account's is no evidence. */
export function compareChain(standing: Standing, state: ChannelState): Finding[] {
  const { channelId: account, charged, redeemed } = standing
  if (state.block < standing.state.block) return []
  const { totalClaimed, balance } = state
  const findings: Finding[] = []
  if (totalClaimed > charged) {
    findings.push({
      account,
      what: 'overclaimed',
      detail: `claimed ${totalClaimed}, charged ${charged}`,
    })
  }
  if (totalClaimed < redeemed) {
    findings.push({
      account,
      what: 'chain_behind',
      detail: `claimed ${totalClaimed}, redeemed ${redeemed}`,
    })
  }
  if (charged > balance) {
    findings.push({ account, what: 'uncovered', detail: `${charged - balance} of ${charged}` })
  }
  return findings
}

/** What is owed on another network, which only a run there can claim. */
export function compareElsewhere({ channelId: account, charged, redeemed }: Standing): Finding[] {
  if (charged <= redeemed) return []
  return [{ account, what: 'elsewhere', detail: `owes ${charged - redeemed} on another network` }]
}

/** Compares what a receiver's accounts were told together with what the chain has for the receiver, after the sweep. */
export function compareReceiver(
  account: Address,
  redeemed: bigint,
  { claimed, swept }: { claimed: bigint; swept: bigint },
): Finding[] {
  const findings: Finding[] = []
  if (claimed < redeemed) {
    findings.push({ account, what: 'receiver_behind', detail: `claimed ${claimed}, redeemed ${redeemed}` })
  }
  if (swept < redeemed) {
    findings.push({ account, what: 'unswept', detail: `swept ${swept}, redeemed ${redeemed}` })
  }
  return findings
}

/** Says how many of a payer's payments bought nothing. */
export function compareDelivery(account: string, undelivered: number): Finding[] {
  return undelivered > 0 ? [{ account, what: 'undelivered', detail: `${undelivered} paid for` }] : []
}
