/** The first part of a run: reads a page of accounts, updates them from the chain, and finds their claimable rows. */
import { readChannels } from '../../chain/channels.ts'
import { compareListing, type Finding } from '../../ledger/book/finding.ts'
import type { Standing } from '../../ledger/channel/types.ts'
import { InvariantFault } from '../../ledger/totals.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import type { ChannelState } from '../../protocol/evm/channel.ts'
import { SIGNING_MS } from '../../schemes/channel/purchase.ts'
import { accountOf, type Settings } from '../context.ts'
import { compareBook, compareChain } from '../findings.ts'
import { type ClaimRow, redeemable } from './claims.ts'
import { type Dust, dustOf } from './dust.ts'
import { leastOf } from './gas.ts'
import { type Channel, readPage, silence, standingOf, updateAccount } from './observe.ts'
import { screenClaim } from './screening.ts'

/**
 * A request that begins a deposit or refund sends it to the relayer within seconds, or never. Before this time, an
 * order that the relayer does not have may only be late. Trap: it must be longer than {@link SIGNING_MS}, or a run
 * closes a refund that a request may still sign.
 */
const UNSENT_AFTER_MS = 2 * SIGNING_MS

/** The result of one page. */
export type Gathered = {
  rows: ClaimRow[]
  /** Rows that are not worth their gas yet. */
  dust: Dust[]
  findings: Finding[]
  /** Deposits and refunds whose outcome is unknown. */
  open: number
  /** Earlier claims that the accounts had not recorded, by a run that stopped or by a refund. Atomic units. */
  healed: string
  next: string | null
}

type AccountRead = {
  row: ClaimRow | null
  dust: Dust | null
  findings: Finding[]
  open: number
  healed: bigint
}

/** Reads the page after `after`. Repeating it finds the rest. @throws ChainFault when the chain cannot be read */
export async function gather(settings: Settings, after: string): Promise<Gathered> {
  const { channels, exact, empty, findings, next } = await readPage(settings, after)
  // Asked when an account owes: most nights, most accounts do not.
  let asked: Promise<bigint> | undefined
  const least = () => {
    asked ??= leastOf(settings, 'claim')
    return asked
  }
  const read = await mapConcurrently(
    channels,
    (channel) => readAccount(settings, channel, least),
    ({ line }, fault): AccountRead => ({
      row: null,
      dust: null,
      findings: [silence(line.id, fault)],
      open: 0,
      healed: 0n,
    }),
  )
  // Without fees the whole step fails, and is repeated.
  await asked
  return {
    rows: read.flatMap(({ row }) => row ?? []),
    dust: read.flatMap(({ dust }) => dust ?? []),
    findings: [
      ...findings,
      ...compareListing([...channels.map(({ line }) => line), ...exact, ...empty]),
      ...empty.flatMap((line) => compareBook(line, null)),
      ...read.flatMap(({ findings }) => findings),
    ],
    open: read.reduce((sum, { open }) => sum + open, 0),
    healed: read.reduce((sum, { healed }) => sum + healed, 0n).toString(),
    next,
  }
}

async function readAccount(
  settings: Settings,
  { line, standing, state }: Channel,
  least: () => Promise<bigint>,
): Promise<AccountRead> {
  // The chain was read later. Read the account again, so that a charge claimed in between is not reported.
  const before = state.totalClaimed > standing.charged ? await standingOf(settings, line.id) : standing
  const findings = [...compareBook(line, before), ...(before ? compareChain(before, state) : [])]
  const now = await resolveOperation(settings, standing, state)
  const updated = await updateAccount(settings, now, state)
  const healed = updated.redeemed > standing.redeemed ? updated.redeemed - standing.redeemed : 0n
  const stop = await screenClaim(settings, updated)
  if (stop) findings.push(stop)
  const claimable = stop ? null : redeemable(updated)
  if (claimable) await assertIntact(settings, line.id)
  const dust = claimable && (await dustOf(settings, updated, claimable, await least(), Date.now()))
  return { row: dust ? null : claimable, dust, findings, open: updated.unresolved ? 1 : 0, healed }
}

/** @throws for a journal that somebody has changed by hand: nothing of it is claimed before an operator has looked at it */
async function assertIntact(settings: Settings, id: string): Promise<void> {
  const flaw = await accountOf(settings, id).flaw()
  if (flaw !== null) throw new InvariantFault(`entry ${flaw} must follow from the entry before it`)
}

/** Closes a deposit or refund whose outcome is known. */
async function resolveOperation(
  settings: Settings,
  standing: Standing,
  state: ChannelState,
): Promise<Standing> {
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
