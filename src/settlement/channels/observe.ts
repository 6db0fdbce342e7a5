/** One page of the book, and what its accounts and the chain say of it. The book only tells whom to ask. */

import { readChannels } from '../../chain/channels.ts'
import { ChainFault } from '../../chain/fault.ts'
import { type Listing, listings } from '../../ledger/book/accounts.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { Standing } from '../../ledger/channel/types.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import type { ChannelState } from '../../protocol/evm/channel.ts'
import { channelId } from '../../protocol/evm/eip712.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { accountOf, type Settings } from '../context.ts'
import { compareElsewhere } from '../findings.ts'

/** Lines of the book in one step of a run. All their claims must fit into the 1 MiB that a step may answer. */
export const PAGE = 500

export type Channel = { line: Listing; standing: Standing; state: ChannelState }

export type Asked = {
  channels: Channel[]
  /** Payers of `exact` transfers. */
  exact: Listing[]
  /** Channels whose account was never opened. */
  empty: Listing[]
  /** Accounts that did not answer, and those of another network that still owe. */
  findings: Finding[]
  /** The line that the next page follows, or null. */
  next: string | null
}

type Answer = { line: Listing; standing: Standing | null; silent: Finding | null }

/** Asks a page of accounts, then the chain about the same channels. @throws ChainFault when the chain cannot be read */
export async function askPage(settings: Settings, after: string): Promise<Asked> {
  const lines = await listings(settings.book, after, PAGE)
  const listed = lines.filter((line) => line.kind === 'channel')
  const answers = await mapConcurrently<Listing, Answer>(
    listed,
    async (line) => ({ line, standing: await standingOf(settings, line.id), silent: null }),
    (line, fault) => ({ line, standing: null, silent: silence(line.id, fault) }),
  )
  const opened = answers.flatMap(({ line, standing }) => (standing ? [{ line, standing }] : []))
  // A site that moved to another network has accounts there. What this chain says of them is about nothing.
  const known = opened.filter(({ standing }) => isHere(settings, standing))
  const elsewhere = opened.filter(({ standing }) => !isHere(settings, standing))
  const states = await readChannels(
    settings.chain,
    known.map(({ standing }) => standing.channelId),
  )
  return {
    channels: known.flatMap((channel, at) => {
      const state = states[at]
      return state ? [{ ...channel, state }] : []
    }),
    exact: lines.filter((line) => line.kind === 'exact'),
    empty: answers.filter(({ standing, silent }) => !standing && !silent).map(({ line }) => line),
    findings: [
      ...answers.flatMap(({ silent }) => silent ?? []),
      ...elsewhere.flatMap(({ standing }) => compareElsewhere(standing)),
    ],
    next: lines.length < PAGE ? null : (lines.at(-1)?.id ?? null),
  }
}

/** A channel's id is bound to its chain and escrow. */
function isHere({ chain }: Settings, { channelId: id, config }: Standing): boolean {
  return channelId(config, chain.chainId, chain.escrow) === id
}

/** The truth about one channel, or null if its account was never opened. */
export async function standingOf(settings: Settings, channelId: string): Promise<Standing | null> {
  return accountOf(settings, channelId).standing()
}

/** Tells an account what the chain says, unless it knows. */
export async function tell(settings: Settings, standing: Standing, state: ChannelState): Promise<Standing> {
  return knows(standing, state) ? standing : accountOf(settings, standing.channelId).observe(state)
}

/**
 * Tells accounts what the chain says now, after a transaction of ours.
 * @throws ChainFault when the chain cannot be read, or the node does not know the transaction's block yet
 */
export async function tellAll(
  settings: Settings,
  ids: Hex[],
  { hash, block }: { hash: Hex; block: bigint },
): Promise<Finding[]> {
  const states = await readChannels(settings.chain, ids)
  const [first] = states
  if (!first || first.block < block)
    throw new ChainFault('unreachable', `the node lags behind block ${block}`)
  const silent = await mapConcurrently<{ id: Hex; state: ChannelState | undefined }, Finding | null>(
    ids.map((id, at) => ({ id, state: states[at] })),
    async ({ id, state }) => {
      if (state) await accountOf(settings, id).observe(state, hash)
      return null
    },
    ({ id }, fault) => silence(id, fault),
  )
  return silent.flatMap((finding) => finding ?? [])
}

export function silence(account: string, fault: unknown): Finding {
  return { account, what: 'silent', detail: String(fault) }
}

function knows({ redeemed, state: known }: Standing, state: ChannelState): boolean {
  return (
    redeemed === state.totalClaimed &&
    known.balance === state.balance &&
    known.withdrawRequestedAt === state.withdrawRequestedAt &&
    known.withdrawAmount === state.withdrawAmount &&
    known.refundNonce === state.refundNonce
  )
}
