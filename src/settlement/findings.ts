/** Where the book, the accounts and the chain disagree. Pure. */

import type { Listing } from '../ledger/book/accounts.ts'
import type { Finding } from '../ledger/book/finding.ts'
import type { Standing } from '../ledger/channel/types.ts'
import type { ChannelState } from '../protocol/evm/channel.ts'
import type { Address } from '../protocol/evm/hex.ts'

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
