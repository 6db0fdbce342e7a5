/** Reads one page of accounts and their channels on chain. The read model only lists which accounts to read. */

import { readChannels } from '../../chain/channels.ts'
import { ChainFault } from '../../chain/fault.ts'
import { KIND, type Listing, listings } from '../../ledger/book/accounts.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { Standing } from '../../ledger/channel/types.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import type { ChannelState } from '../../protocol/evm/channel.ts'
import { channelId, networkOfChannel } from '../../protocol/evm/eip712.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import { accountOf, type Settings } from '../context.ts'
import { compareElsewhere } from '../findings.ts'

/** Rows of the read model in one step of a run. Their claims must fit into the 1 MiB that a step may return. */
export const PAGE = 500

/** A channel as the read model, its account and the chain have it. */
export type Channel = { line: Listing; standing: Standing; state: ChannelState }

/** The result of reading one page. */
export type PageRead = {
  channels: Channel[]
  /** Payers of `exact` transfers. */
  exact: Listing[]
  /** Channels whose account was never opened. */
  empty: Listing[]
  /** Accounts that did not respond, and accounts of another network that still owe. */
  findings: Finding[]
  /** The id that the next page follows; null after the last page. */
  next: string | null
}

type Answer = { line: Listing; standing: Standing | null; silent: Finding | null }

/**
 * Reads the page of accounts after `after`, then the same channels on chain.
 * @throws ChainFault when the chain cannot be read
 */
export async function readPage(settings: Settings, after: string): Promise<PageRead> {
  const lines = await listings(settings.book, after, PAGE, settings.scope)
  const listed = lines.filter((line) => line.kind === KIND.channel)
  const answers = await mapConcurrently<Listing, Answer>(
    listed,
    async (line) => ({ line, standing: await standingOf(settings, line.id), silent: null }),
    (line, fault) => ({ line, standing: null, silent: silence(line.id, fault) }),
  )
  const opened = answers.flatMap(({ line, standing }) => (standing ? [{ line, standing }] : []))
  // Rows of earlier versions name no network, and a site may have left one. This chain does not have their channels.
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
    exact: lines.filter((line) => line.kind === KIND.exact),
    empty: answers.filter(({ standing, silent }) => !standing && !silent).map(({ line }) => line),
    findings: [
      ...answers.flatMap(({ silent }) => silent ?? []),
      ...elsewhere.flatMap(({ standing }) => leftElsewhere(settings, standing)),
    ],
    next: lines.length < PAGE ? null : (lines.at(-1)?.id ?? null),
  }
}

/** The finding for a channel whose network no part of this run settles. Only the part that reads all the rest reports it. */
function leftElsewhere({ scope }: Settings, standing: Standing): Finding[] {
  const network = networkOfChannel(standing.channelId, standing.config)
  const isLeft = scope.others !== null && (network === null || !scope.others.includes(network))
  return isLeft ? compareElsewhere(standing, network) : []
}

/** A channel's id is derived from its chain and escrow, among others. */
function isHere({ chain }: Settings, { channelId: id, config }: Standing): boolean {
  return channelId(config, chain.chainId, chain.escrow) === id
}

/** Reads one account, the source of truth for its channel. Null if the account was never opened. */
export async function standingOf(settings: Settings, channelId: string): Promise<Standing | null> {
  return accountOf(settings, channelId).standing()
}

/** Updates an account with the chain's state, unless it is up to date. Returns the account's state afterwards. */
export async function updateAccount(
  settings: Settings,
  standing: Standing,
  state: ChannelState,
): Promise<Standing> {
  return isUpToDate(standing, state) ? standing : accountOf(settings, standing.channelId).observe(state)
}

/**
 * Updates accounts with the chain's state after one of our transactions.
 * @throws ChainFault when the chain cannot be read, or the node lags behind the transaction's block
 */
export async function updateAccounts(
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

/** The finding for an account that did not respond. */
export function silence(account: string, fault: unknown): Finding {
  return { account, what: 'silent', detail: String(fault) }
}

function isUpToDate({ redeemed, state: known }: Standing, state: ChannelState): boolean {
  return (
    redeemed === state.totalClaimed &&
    known.balance === state.balance &&
    known.withdrawRequestedAt === state.withdrawRequestedAt &&
    known.withdrawAmount === state.withdrawAmount &&
    known.refundNonce === state.refundNonce
  )
}
