/** Compares the read model, the accounts and the chain, and reports where they disagree. Pure. */

import { MAX_NODE_LAG_BLOCKS } from '../chain/channels.ts'
import type { Listing } from '../ledger/book/accounts.ts'
import type { Finding } from '../ledger/book/finding.ts'
import type { Standing } from '../ledger/channel/types.ts'
import type { ChannelState } from '../protocol/evm/channel.ts'
import type { Address } from '../protocol/evm/hex.ts'

/** Compares a row of the read model with its account. Neither total ever falls, except after a chain reorganisation. */
export function compareBook({ id: account, totals }: Listing, standing: Standing | null): Finding[] {
  if (!totals) return []
  const { authorized, redeemed } = standing ?? { authorized: 0n, redeemed: 0n }
  if (totals.authorized <= authorized && totals.redeemed <= redeemed) return []
  const detail =
    `the read model has authorized ${totals.authorized}, redeemed ${totals.redeemed}; ` +
    `the account has ${authorized} and ${redeemed}`
  return [{ account, what: 'book_ahead', detail }]
}

/**
 * Compares an account with a later read of the chain. A read of a slightly older block than the account's own says nothing.
 * A much older one: a node has named a block that the chain did not have.
 */
export function compareChain(standing: Standing, state: ChannelState): Finding[] {
  const { channelId: account, charged, redeemed } = standing
  const ahead = standing.state.block - state.block
  if (ahead > MAX_NODE_LAG_BLOCKS)
    return [{ account, what: 'block_ahead', detail: `${ahead} blocks above the chain: read it again` }]
  if (ahead > 0n) return []
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

/**
 * Reports an account that still owes `owed` after a run: what was charged before the run began and is not redeemed. The
 * escrow must hold it; what it does not hold is `uncovered`. Atomic units.
 */
export function compareClaims(
  { channelId: account, redeemed, state, signature, quarantine }: Standing,
  owed: bigint,
): Finding[] {
  const inEscrow = state.balance - redeemed
  const left = owed < inEscrow ? owed : inEscrow
  if (left <= 0n) return []
  const why =
    quarantine !== null
      ? `its claim alone fails: ${quarantine}`
      : signature === '0x'
        ? 'its voucher is missing'
        : 'its claim is not mined'
  return [{ account, what: 'unclaimed', detail: `${left} of ${owed} can be claimed; ${why}` }]
}

/** Reports what is owed on a network without a node here (CAIP-2), which only a run there can claim. */
export function compareElsewhere(
  { channelId: account, charged, redeemed }: Standing,
  network: string | null,
): Finding[] {
  if (charged <= redeemed) return []
  const owes = `owes ${charged - redeemed} on another network`
  return [{ account, what: 'elsewhere', detail: owes, ...(network && { network }) }]
}

/**
 * Compares the sum of a receiver's redeemed amounts with the chain's totals, after the sweep. Less than `least`, in atomic
 * units, may wait in the escrow.
 */
export function compareReceiver(
  account: Address,
  redeemed: bigint,
  { claimed, swept }: { claimed: bigint; swept: bigint },
  least: bigint,
): Finding[] {
  const findings: Finding[] = []
  if (claimed < redeemed) {
    findings.push({ account, what: 'receiver_behind', detail: `claimed ${claimed}, redeemed ${redeemed}` })
  }
  if (swept < redeemed && redeemed - swept >= least) {
    findings.push({ account, what: 'unswept', detail: `swept ${swept}, redeemed ${redeemed}` })
  }
  return findings
}

/** Reports how many of a payer's payments were not delivered. */
export function compareDelivery(account: string, undelivered: number): Finding[] {
  return undelivered > 0 ? [{ account, what: 'undelivered', detail: `${undelivered} paid for` }] : []
}
