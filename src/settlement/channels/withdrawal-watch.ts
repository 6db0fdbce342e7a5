/**
 * The watch: finds payers who are withdrawing, and claims the amount they owe before the escrow pays them out.
 *
 * It reads the escrow's logs from the block where the last watch stopped, so it costs only what withdrew. It also polls
 * some channels in turn, and more of them while the logs cannot be read.
 */

import { readChannels } from '../../chain/channels.ts'
import { ChainFault } from '../../chain/fault.ts'
import { findWithdrawals, readHead } from '../../chain/withdrawals.ts'
import { beginRun, deleteRun, type RunRecord, saveRun } from '../../ledger/book/runs.ts'
import {
  listedChannels,
  readWatch,
  saveWatch,
  type WatchState,
  watchedChannels,
} from '../../ledger/book/watch.ts'
import { log } from '../../platform/log.ts'
import { mapConcurrently } from '../../platform/pool.ts'
import { windowOf } from '../../platform/time.ts'
import { sendWebhook } from '../../platform/webhook.ts'
import type { ChannelState } from '../../protocol/evm/channel.ts'
import type { Hex } from '../../protocol/evm/hex.ts'
import type { Settings } from '../context.ts'
import { compareChain } from '../findings.ts'
import { Report } from '../report.ts'
import { claim, plan } from './claim-batch.ts'
import { redeemable } from './claims.ts'
import { PAGE, silence, standingOf, updateAccount } from './observe.ts'
import { screenClaim } from './screening.ts'

/** The share of one watch. The next one continues where this one stops. */
export type WatchShare = {
  /** The most blocks in one request for logs. A node that permits fewer is asked for half as many until it answers. */
  span: number
  /** Blocks that are read again: they may have been reorganized, or the node may have lagged behind another one. */
  overlap: number
  /** Requests for logs. Beyond them, the rest of the blocks waits for the next watch. */
  requests: number
  /** Failed requests for logs, after which the watch polls instead. */
  failures: number
  /** Channels outside the read model that are asked for one range of logs. Strangers can make any number of them. */
  unlisted: number
  /** Channels in one read of the poll. */
  page: number
  /** Reads of the poll while the logs cannot be read, or before they were ever read. Otherwise it is one. */
  pages: number
  /** After this time no further read begins. */
  budgetMs: number
}

/**
 * At a watch every five minutes: 100,000 blocks, two days of Base, and 1.4 million channels a day when the node has no
 * logs. The time is shorter than the five minutes until the next watch.
 */
export const WATCH_SHARE: WatchShare = {
  span: 2_000,
  overlap: 64,
  requests: 50,
  failures: 3,
  unlisted: 100,
  page: PAGE,
  pages: 10,
  budgetMs: 180_000,
}

/** Channels in one watch that are tried again: when each claim waits 15 s for its block, they take a quarter of the time. */
const AGAIN = 100

/** Watches that fail in a row before the operator is alerted. */
const BLIND = 3

/** One watch: its settings, its results, and how far it has come. */
type Watch = {
  settings: Settings
  share: WatchShare
  report: Report
  state: WatchState
  seen: Set<Hex>
  /** Channels that are being withdrawn from and still owe after this watch. */
  owing: Hex[]
  /** Channels that the next watch tries again: their claim has failed, or their account or the screening did not answer. */
  unclaimed: Set<Hex>
}

/**
 * Watches every network at once. A watch that fails stops no other.
 * @throws the fault of the first watch that failed, once all have come to their end
 */
export async function watchAll(networks: readonly Settings[], time: number): Promise<void> {
  const isOne = networks.length === 1
  const ends = await Promise.allSettled(
    networks.map((settings) => {
      const id = `watch-${windowOf(time)}`
      return isOne
        ? watch(settings, time)
        : watch(settings, time, WATCH_SHARE, { id: `${id}-${settings.chain.chainId}`, isNamed: true })
    }),
  )
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/**
 * Looks for withdrawals and claims from them. An account accepts no more vouchers once it has recorded a withdrawal. The
 * record of a watch that found nothing is deleted. `time`: Unix ms of the firing.
 * @returns how many payers are withdrawing, of those that were read
 * @throws ChainFault when the chain cannot be read; the record then has the status `failed`
 */
export async function watch(
  settings: Settings,
  time: number,
  share = WATCH_SHARE,
  { id, isNamed } = { id: `watch-${windowOf(time)}`, isNamed: false },
): Promise<number> {
  const { book, chain } = settings
  const run = { id, kind: 'watch' as const, startedAt: Date.now() }
  const [known] = await Promise.all([
    readWatch(book, chain.network),
    beginRun(book, { ...run, record: { moment: time } }, time, 'IGNORE'),
  ])
  const report = isNamed ? new Report().on(chain.network) : new Report()
  const state = known ?? firstState(share)
  const unclaimed = new Set(state.unclaimed)
  const watching: Watch = { settings, share, report, state, seen: new Set(), owing: [], unclaimed }
  const end = async (status: RunRecord['status'], more: Record<string, unknown>) => {
    const record = { moment: time, ...more, ...report.record() }
    const ended: RunRecord = { ...run, status, endedAt: Date.now(), record }
    await saveRun(book, ended)
    report.announce(ended)
  }
  try {
    const withdrawing = await look(watching, run.startedAt)
    const { owing: withdrawals } = watching
    const saved = save(watching, { blind: 0, alerted: false })
    if (report.idle() && withdrawals.length === 0) {
      await Promise.all([saved, deleteRun(book, run.id)])
      return withdrawing
    }
    await saved
    await end(report.status(), { withdrawing, withdrawals })
    return withdrawing
  } catch (fault) {
    await goBlind(watching, run.id, time, fault)
    await end('failed', { fault: String(fault) })
    throw fault
  }
}

function firstState({ span }: WatchShare): WatchState {
  return { block: null, span, after: '', seenAt: null, blind: 0, alerted: false, unclaimed: [] }
}

/** Saves how far the watch has come: once before each further range or page, and at its end. */
async function save(watching: Watch, change: Partial<WatchState> = {}): Promise<void> {
  watching.state = { ...watching.state, unclaimed: [...watching.unclaimed], ...change }
  const { book, chain } = watching.settings
  await saveWatch(book, chain.network, watching.state)
}

/** Counts a watch that failed. From the third in a row it is a finding, and the operator's webhook is called once. */
async function goBlind(watching: Watch, id: string, at: number, fault: unknown): Promise<void> {
  const { settings, report, state } = watching
  const blind = state.blind + 1
  let { alerted } = state
  if (blind >= BLIND) {
    const detail = `${blind} watches in a row have failed, the last one with: ${fault}`
    report.found([{ account: 'watch', what: 'blind', detail }])
    log('watch_blind', { id, blind, fault })
    const event = { id, type: 'watch.blind', network: settings.chain.network, at, detail }
    alerted ||= settings.webhook !== null && (await sendWebhook(settings.webhook, event))
  }
  await save(watching, { blind, alerted })
}

/**
 * Claims again where the last watch failed, reads the logs for at most half of the time, then polls. Returns how many payers are
 * withdrawing.
 */
async function look(watching: Watch, began: number): Promise<number> {
  const { settings, share } = watching
  const head = await readHead(settings.chain)
  const isFirst = watching.state.block === null
  const again = await claimFrom(watching, [...watching.unclaimed].slice(0, AGAIN), began + share.budgetMs / 4)
  const logs = await readLogs(watching, head, began + share.budgetMs / 2)
  const pages = logs.areRead && !isFirst ? 1 : share.pages
  return again.withdrawing + logs.withdrawing + (await poll(watching, pages, began + share.budgetMs))
}

/** Claims from the withdrawals in the blocks up to `head`. */
async function readLogs(watching: Watch, head: number, until: number) {
  const { settings, share } = watching
  const read = watching.state.block ?? head
  // Trap: a node may lag, or may have named a block that the chain did not have. Reading a block again does no harm.
  let first = Math.max(0, (read > head ? head - share.span : read) - share.overlap)
  let span = Math.min(share.span, watching.state.span * 2)
  let withdrawing = 0
  let failures = 0
  for (let request = 0; request < share.requests && first <= head; request++) {
    if (request > 0) await save(watching)
    const last = Math.min(head, first + span - 1)
    const found = await findWithdrawals(settings.chain, first, last).catch((fault) => {
      if (fault instanceof ChainFault) return null
      throw fault
    })
    const claimed = found && (await claimFrom(watching, await ours(watching, found), until))
    withdrawing += claimed?.withdrawing ?? 0
    if (claimed?.isDone) {
      watching.state = { ...watching.state, block: last, span, seenAt: Date.now() }
      first = last + 1
    } else {
      // Too many blocks for the node, or too many withdrawals for one watch.
      span = Math.max(1, Math.floor((last - first + 1) / 2))
      watching.state = { ...watching.state, span }
      if (++failures === share.failures) break
    }
    if (Date.now() > until) break
  }
  return { areRead: first > head, withdrawing }
}

/** Returns the found channels that this site may have. The read model may have lost some, so it includes others. */
async function ours({ settings, share, seen }: Watch, found: Hex[]): Promise<Hex[]> {
  const unseen = found.filter((id) => !seen.has(id))
  if (unseen.length === 0) return []
  const listed = await listedChannels(settings.book, unseen)
  return [...listed, ...unseen.filter((id) => !listed.has(id)).slice(0, share.unlisted)]
}

/** Claims from the withdrawals among the next channels. A round ends at the last channel, never earlier. */
async function poll(watching: Watch, pages: number, until: number): Promise<number> {
  const { settings, share, seen } = watching
  let withdrawing = 0
  for (let page = 0; page < pages && Date.now() <= until; page++) {
    if (page > 0) await save(watching)
    const ids = await watchedChannels(settings.book, settings.chain.network, watching.state.after, share.page)
    const unseen = ids.filter((id) => !seen.has(id))
    withdrawing += (await claimFrom(watching, unseen, until)).withdrawing
    const after = ids.length < share.page ? '' : (ids.at(-1) ?? '')
    watching.state = { ...watching.state, after, seenAt: Date.now() }
    if (after === '') break
  }
  return withdrawing
}

/**
 * Reads the channels, a page at a time, and claims from those whose payers are withdrawing. After `until` (Unix ms) no
 * further page begins, so the first one is always read.
 */
async function claimFrom(watching: Watch, ids: Hex[], until: number) {
  const { settings, report, share, seen, unclaimed } = watching
  let withdrawing = 0
  let at = 0
  for (; at < ids.length && (at === 0 || Date.now() <= until); at += share.page) {
    const some = ids.slice(at, at + share.page)
    const states = await readChannels(settings.chain, some)
    for (const id of some) unclaimed.delete(id)
    const found = some.flatMap((id, at) => {
      const state = states[at]
      return state && state.withdrawRequestedAt > 0 ? [{ id, state }] : []
    })
    const claimed = await mapConcurrently(
      found,
      ({ id, state }) => claimNow(watching, id, state),
      ({ id }, fault) => {
        report.planned({ bad: [], findings: [silence(id, fault)] })
        unclaimed.add(id)
        return true
      },
    )
    for (const { id } of found) seen.add(id)
    withdrawing += claimed.filter(Boolean).length
  }
  return { withdrawing, isDone: at >= ids.length }
}

/**
 * Records the withdrawal in the account, and claims all that is charged in a transaction of its own. Returns whether this
 * site has the channel.
 */
async function claimNow(
  { settings, report, owing, unclaimed }: Watch,
  id: Hex,
  state: ChannelState,
): Promise<boolean> {
  const standing = await standingOf(settings, id)
  if (!standing) return false
  const updated = await updateAccount(settings, standing, state)
  const stop = await screenClaim(settings, updated)
  if (stop) report.found([stop])
  const row = stop ? null : redeemable(updated)
  const findings = compareChain(updated, state)
  if (row) {
    const planned = await plan(settings, [row])
    report.planned({ ...planned, findings: [...findings, ...planned.findings] })
    if (planned.bad.length === 0) report.claimed(await claim(settings, [[row]]))
  }
  const after = row ? await standingOf(settings, id) : updated
  if (after && after.charged > after.redeemed) {
    owing.push(id)
    if (row || stop?.what === 'unscreened') unclaimed.add(id)
  }
  return true
}
