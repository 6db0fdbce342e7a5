/** The first part of a run: hears a page of accounts, tells them the chain's word, and finds what can be claimed. */
import { readChannels } from '../chain/rpc.ts'
import type { Standing } from '../ledger/standing.ts'
import type { ChannelState } from '../protocol/channel.ts'
import type { Hex } from '../protocol/hex.ts'
import { askPage, type Channel, silence, standingOf, tell } from './ask.ts'
import { type Row, redeemable } from './claims.ts'
import { compareBook, compareChain, type Finding } from './findings.ts'
import { accountOf, each, type Settings } from './settings.ts'

/** A deposit or refund of ours of which the relayer knows nothing: its request died before it was signed, or is about to. */
export type Unsent = { channelId: Hex; id: string }

export type Collected = {
  rows: Row[]
  findings: Finding[]
  unsent: Unsent[]
  /** Deposits and refunds that are on their way. */
  open: number
  /** What the accounts learn was claimed earlier, by a run that did not see it or by a refund. Atomic units. */
  healed: string
  next: string | null
}

type Heard = { row: Row | null; findings: Finding[]; unsent: Unsent | null; open: number; healed: bigint }

/** Collects one page. Doing it again finds what is left. @throws ChainFault when the chain cannot be read */
export async function collect(settings: Settings, after: string): Promise<Collected> {
  const { channels, empty, silent, next } = await askPage(settings, after)
  const heard = await each(
    channels,
    (channel) => hear(settings, channel),
    ({ line }, fault): Heard => ({
      row: null,
      findings: [silence(line.id, fault)],
      unsent: null,
      open: 0,
      healed: 0n,
    }),
  )
  return {
    rows: heard.flatMap(({ row }) => row ?? []),
    findings: [
      ...silent,
      ...empty.flatMap((line) => compareBook(line, null)),
      ...heard.flatMap(({ findings }) => findings),
    ],
    unsent: heard.flatMap(({ unsent }) => unsent ?? []),
    open: heard.reduce((sum, { open }) => sum + open, 0),
    healed: heard.reduce((sum, { healed }) => sum + healed, 0n).toString(),
    next,
  }
}

/** Gives up deposits and refunds that were never signed, if that is still so. @returns what is still open */
export async function giveUp(settings: Settings, unsent: Unsent[]): Promise<number> {
  let open = 0
  for (const { channelId, id } of unsent) {
    const { status } = await settings.relayer.outcome(id)
    if (status === 'none') await accountOf(settings, channelId).resolve(id, null)
    else open++
  }
  return open
}

async function hear(settings: Settings, { line, standing, state }: Channel): Promise<Heard> {
  // The chain was asked later: what was charged and claimed in between is no disagreement.
  const before = state.totalClaimed > standing.charged ? await standingOf(settings, line.id) : standing
  const findings = [...compareBook(line, before), ...(before ? compareChain(before, state) : [])]
  const { unsent, open, now } = await conclude(settings, standing, state)
  const told = await tell(settings, now, state)
  const healed = told.redeemed > standing.redeemed ? told.redeemed - standing.redeemed : 0n
  return { row: redeemable(told), findings, unsent, open, healed }
}

/** Closes a deposit or refund whose outcome the relayer knows by now. */
async function conclude(settings: Settings, standing: Standing, state: ChannelState) {
  const { channelId, unresolved } = standing
  const account = accountOf(settings, channelId)
  if (!unresolved) return { now: standing, unsent: null, open: 0 }
  const { id } = unresolved
  const outcome = await settings.relayer.outcome(id)
  switch (outcome.status) {
    case 'mined': {
      const [seen] = outcome.block > state.block ? await readChannels(settings.chain, [channelId]) : [state]
      if (!seen || seen.block < outcome.block) return { now: standing, unsent: null, open: 1 }
      return { now: await account.resolve(id, seen, outcome.hash), unsent: null, open: 0 }
    }
    case 'reverted':
      return { now: await account.resolve(id, null), unsent: null, open: 0 }
    case 'none':
      return { now: standing, unsent: { channelId, id }, open: 0 }
    default:
      return { now: standing, unsent: null, open: 1 }
  }
}
