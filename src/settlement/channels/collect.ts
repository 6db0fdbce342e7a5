/** The first part of a run: hears a page of accounts, tells them the chain's word, and finds what can be claimed. */
import { readChannels } from '../../chain/channels.ts'
import type { Finding } from '../../ledger/book/finding.ts'
import type { Standing } from '../../ledger/channel/types.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import type { ChannelState } from '../../protocol/evm/channel.ts'
import { SIGNING_MS } from '../../schemes/channel/purchase.ts'
import { accountOf, type Settings } from '../context.ts'
import { compareBook, compareChain } from '../findings.ts'
import { type Row, redeemable } from './claims.ts'
import { askPage, type Channel, silence, standingOf, tell } from './observe.ts'

/**
 * A request that begins a deposit or refund hands it to the relayer within seconds, or never. Until then an order that the
 * relayer does not know may only be late. Trap: it must be longer than {@link SIGNING_MS}, or a run closes a refund that a
 * request may still sign.
 */
const UNSENT_AFTER_MS = 2 * SIGNING_MS

export type Collected = {
  rows: Row[]
  findings: Finding[]
  /** Deposits and refunds whose outcome is not known yet. */
  open: number
  /** What the accounts learn was claimed earlier, by a run that did not see it or by a refund. Atomic units. */
  healed: string
  next: string | null
}

type Heard = { row: Row | null; findings: Finding[]; open: number; healed: bigint }

/** Collects one page. Doing it again finds what is left. @throws ChainFault when the chain cannot be read */
export async function collect(settings: Settings, after: string): Promise<Collected> {
  const { channels, empty, findings, next } = await askPage(settings, after)
  const heard = await mapConcurrently(
    channels,
    (channel) => hear(settings, channel),
    ({ line }, fault): Heard => ({
      row: null,
      findings: [silence(line.id, fault)],
      open: 0,
      healed: 0n,
    }),
  )
  return {
    rows: heard.flatMap(({ row }) => row ?? []),
    findings: [
      ...findings,
      ...empty.flatMap((line) => compareBook(line, null)),
      ...heard.flatMap(({ findings }) => findings),
    ],
    open: heard.reduce((sum, { open }) => sum + open, 0),
    healed: heard.reduce((sum, { healed }) => sum + healed, 0n).toString(),
    next,
  }
}

async function hear(settings: Settings, { line, standing, state }: Channel): Promise<Heard> {
  // The chain was asked later: what was charged and claimed in between is no disagreement.
  const before = state.totalClaimed > standing.charged ? await standingOf(settings, line.id) : standing
  const findings = [...compareBook(line, before), ...(before ? compareChain(before, state) : [])]
  const now = await conclude(settings, standing, state)
  const told = await tell(settings, now, state)
  const healed = told.redeemed > standing.redeemed ? told.redeemed - standing.redeemed : 0n
  return { row: redeemable(told), findings, open: now.unresolved ? 1 : 0, healed }
}

/** Closes a deposit or refund whose outcome is known by now. */
async function conclude(settings: Settings, standing: Standing, state: ChannelState): Promise<Standing> {
  const { channelId, unresolved } = standing
  if (!unresolved) return standing
  const { id, since } = unresolved
  const account = accountOf(settings, channelId)
  const outcome = await settings.relayer.outcome(id)
  switch (outcome.status) {
    case 'mined': {
      const [seen] = outcome.block > state.block ? await readChannels(settings.chain, [channelId]) : [state]
      return seen && seen.block >= outcome.block ? account.resolve(id, seen, outcome.hash) : standing
    }
    case 'reverted':
      return account.resolve(id, null)
    case 'none':
      return Date.now() < since + UNSENT_AFTER_MS ? standing : account.resolve(id, null)
    default:
      return standing
  }
}
