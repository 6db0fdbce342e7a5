/**
 * The nightly runs. A settlement run gathers, claims, reconciles and sweeps; a billing run bills credit lines; a shadow run sums
 * a day of shadow mode. Each step may be repeated; the chain moves nothing twice.
 */

import { billAll, type OpenBill } from '../billing/run.ts'
import { clearRelisted } from '../ledger/book/accounts.ts'
import type { Finding } from '../ledger/book/finding.ts'
import { beginRun, type RunRecord, saveRun } from '../ledger/book/runs.ts'
import { dropShadowDays, readShadowDay, type ShadowDay } from '../ledger/book/shadow.ts'
import { hasWatchedChannel, readWatch } from '../ledger/book/watch.ts'
import { checkSums } from '../ledger/figures/check.ts'
import type { Steps } from '../platform/steps.ts'
import { DAY_MS, dayOf, HOUR_MS } from '../platform/time.ts'
import type { Address } from '../protocol/evm/hex.ts'
import { claim, plan } from './channels/claim-batch.ts'
import { batchesOf, type ClaimRow, transactionsOf } from './channels/claims.ts'
import { gather } from './channels/gather.ts'
import {
  add,
  type Losses,
  NO_EXACT,
  NO_SUMS,
  reconcile,
  reconcilePayers,
  reconcileReceivers,
} from './channels/reconcile.ts'
import { checkRelayer } from './channels/relayer-check.ts'
import { screenSweep } from './channels/screening.ts'
import { readTotals, sweep } from './channels/sweep.ts'
import type { Sent } from './channels/transactions.ts'
import type { Payers, Settings } from './context.ts'
import { endNaming } from './exact/in-doubt.ts'
import { Report } from './report.ts'

/**
 * The work of the runs: for each network its channels or, without channels, its payments by `exact`; credit lines; and the
 * days of shadow mode. Null or absent: not configured.
 */
export type Work = {
  book: D1Database
  channels: readonly Settings[]
  exact: readonly Payers[]
  bill: OpenBill | null
  shadow?: boolean
  /** Finds the alerts of a run that an operator should look at, once it is saved. Never throws. */
  alert?: () => Promise<void>
}

/** The nightly runs. Each is an instance of its own: neither waits for the other, and a failure stops neither. */
export type RunKind = Exclude<RunRecord['kind'], 'watch'>

/** The trigger of a run, and the moment that it settles. */
export type Cause = {
  window: string
  startedBy: 'cron' | 'operator'
  /** Unix ms: the run bills periods that ended by then. By default the moment at which the run begins. */
  moment?: number
  /** Without it, it is a settlement run: an older version has started the instance. */
  kind?: RunKind
}

type Status = RunRecord['status']

/** How often a batch that fails on chain is simulated and split in all. */
const ROUNDS = 2

/** How long the days of shadow mode are kept. */
const SHADOW_KEPT_MS = 35 * DAY_MS

/** Twelve watches in a row. */
const UNWATCHED_MS = HOUR_MS

const RECHECKS = 3
const RECHECK_SECONDS = 60

/**
 * Makes the run `id` and saves its record. It marks the runs of its kind that were killed before.
 * @throws ChainFault and others when a step fails for good; the record then has the status `failed`, and the next run
 * continues
 */
export async function makeRun(work: Work, steps: Steps, id: string, cause: Cause): Promise<Status> {
  const { book, alert } = work
  const { kind = 'settlement' } = cause
  const run = { id, kind }
  const startedAt = await steps.do('begin', async () => {
    const startedAt = Date.now()
    await beginRun(book, { ...run, startedAt, record: cause }, cause.moment ?? startedAt, 'REPLACE')
    return startedAt
  })
  const report = new Report()
  const end = (status: Status, more: Record<string, unknown>) => async () => {
    const record = { ...cause, ...report.record(), ...more }
    const ended: RunRecord = { ...run, status, startedAt, endedAt: Date.now(), record }
    await saveRun(book, ended)
    report.announce(ended)
    // A clean run changes little: the next watch, minutes later, finds what it changed.
    if (!report.isClean(status)) await alert?.()
    return status
  }
  try {
    const moment = cause.moment ?? startedAt
    if (kind === 'billing') await bill(work, steps, report, moment)
    else if (kind === 'shadow') report.tried(await steps.do('sum', () => sumDay(book, moment)))
    else await settle(work, steps, report, startedAt)
  } catch (fault) {
    await steps.do('fail', end('failed', { fault: String(fault) }))
    throw fault
  }
  return steps.do('end', end(report.status(), {}))
}

/** One network's part of a run. */
type Part = { network: string; settle: (steps: Steps, report: Report) => Promise<void> }

/**
 * Settles all networks at once: none waits for another, and none fails because another does.
 * @throws the faults of the networks that failed, once every other one has come to its end
 */
async function settle(
  { book, channels, exact }: Work,
  steps: Steps,
  report: Report,
  startedAt: number,
): Promise<void> {
  const parts: Part[] = [
    ...channels.map((settings) => ({
      network: settings.chain.network,
      settle: (steps: Steps, report: Report) => settleChannels(settings, steps, report, startedAt),
    })),
    ...exact.map((payers) => ({
      network: payers.scope.network,
      settle: (steps: Steps, report: Report) => countPayments(payers, steps, report),
    })),
  ]
  const isOne = parts.length === 1
  const ends = await Promise.allSettled(
    parts.map(({ network, settle }) =>
      isOne ? settle(steps, report) : settle(within(steps, network), report.on(network)),
    ),
  )
  const faults = ends.flatMap((end, at) =>
    end.status === 'rejected' ? [{ network: parts[at]?.network, fault: end.reason as unknown }] : [],
  )
  const [first] = faults
  if (!first) {
    report.found(await steps.do('check the figures', () => checkSums(book)))
    return
  }
  if (isOne) throw first.fault
  throw new Error(faults.map(({ network, fault }) => `${network}: ${fault}`).join('; '), {
    cause: first.fault,
  })
}

/** The same steps, named for one network. */
function within(steps: Steps, network: string): Steps {
  return {
    do: (name, work) => steps.do(`${network}: ${name}`, work),
    sleep: (name, seconds) => steps.sleep(`${network}: ${name}`, seconds),
  }
}

async function bill(
  { book, bill, channels, exact }: Work,
  steps: Steps,
  report: Report,
  moment: number,
): Promise<void> {
  if (!bill) return
  await billAll(bill, steps, report, moment)
  // The settlement run checks them too, where there is one.
  if (channels.length + exact.length === 0)
    report.found(await steps.do('check the figures', () => checkSums(book)))
}

/** Sums the day of shadow mode that ends at `moment` (Unix ms), or is under way. Drops the days that are too old. */
async function sumDay(book: D1Database, moment: number): Promise<ShadowDay> {
  await dropShadowDays(book, dayOf(moment - SHADOW_KEPT_MS))
  return readShadowDay(book, dayOf(moment - 1))
}

async function settleChannels(
  settings: Settings,
  steps: Steps,
  report: Report,
  startedAt: number,
): Promise<void> {
  report.found(await steps.do('check the network', () => checkNetwork(settings)))
  await claimAll(settings, steps, report)
  await sweepAll(settings, steps, report, startedAt)
  report.found(await steps.do('check the relayer', () => checkRelayer(settings)))
  report.found(await steps.do('check the watch', () => checkWatch(settings, Date.now())))
}

/** Reports contracts of the network that are not what they must be. @throws ChainFault when the chain cannot be read */
async function checkNetwork({ chain, network }: Settings): Promise<Finding[]> {
  const { differencesOn } = await import('../chain/network-check.ts')
  const differences = await differencesOn(chain, network)
  return differences.map((difference) => ({
    account: network.id,
    what: 'network_differs',
    detail: `${network.title} ${difference}`,
  }))
}

/** Reports channels that no watch has seen for an hour: a payer could withdraw before the next run. `now`: Unix ms. */
async function checkWatch({ book, chain }: Settings, now: number): Promise<Finding[]> {
  const { network } = chain
  const { seenAt } = (await readWatch(book, network)) ?? { seenAt: null }
  const since = now - UNWATCHED_MS
  if ((seenAt !== null && seenAt >= since) || !(await hasWatchedChannel(book, network, since))) return []
  const last = seenAt === null ? 'never' : `last at ${new Date(seenAt).toISOString()}`
  return [{ account: 'watch', what: 'unwatched', detail: `the watch has read the chain ${last}` }]
}

/** Counts payments by `exact`, received and unresolved, for a site without channels. */
async function countPayments(payers: Payers, steps: Steps, report: Report): Promise<void> {
  let after: string | null = ''
  for (let page = 1; after !== null; page++) {
    const from: string = after
    const counted = await steps.do(`count ${page}`, () => reconcilePayers(payers, from))
    report.counted(counted)
    await noteRelisted(payers, steps, `count ${page}`, counted.findings)
    await noteLosses(payers, steps, page, counted.lost)
    after = counted.next
  }
}

/** The step that clears the marks of rows that were written again, once the step that has named them was stored. */
async function noteRelisted(
  { book }: Pick<Payers, 'book'>,
  steps: Steps,
  step: string,
  findings: Finding[],
): Promise<void> {
  if (!findings.some(({ what }) => what === 'relisted')) return
  await steps.do(`note ${step}`, async () => {
    await clearRelisted(book, 'account', findings)
    return null
  })
}

/** The step that ends the naming of a page's lost payments. Steps that an older version has stored lack them. */
async function noteLosses(
  payers: Payers,
  steps: Steps,
  page: number,
  lost: Losses | undefined,
): Promise<void> {
  if (!lost || Object.keys(lost).length === 0) return
  await steps.do(`note losses ${page}`, async () => {
    await endNaming(payers, lost)
    return null
  })
}

/** Reads every account, claims each batch as soon as it is full, and checks pending transactions again at the end. */
async function claimAll(settings: Settings, steps: Steps, report: Report): Promise<void> {
  const pending: ClaimRow[][] = []
  let waiting: ClaimRow[] = []
  let batches = 0
  let after: string | null = ''
  for (let page = 1; after !== null; page++) {
    const from: string = after
    const gathered = await steps.do(`collect ${page}`, () => gather(settings, from))
    report.gathered(gathered)
    await noteRelisted(settings, steps, `collect ${page}`, gathered.findings)
    after = gathered.next
    const made = batchesOf([...waiting, ...gathered.rows], after === null)
    waiting = made.rest
    for (const rows of made.batches) {
      pending.push(...(await claimBatch(settings, steps, report, `batch ${++batches}`, rows)))
    }
  }
  await recheckPending(settings, steps, report, pending)
}

/** Claims a batch. Returns the transactions that are still pending. */
async function claimBatch(
  settings: Settings,
  steps: Steps,
  report: Report,
  batch: string,
  rows: ClaimRow[],
): Promise<ClaimRow[][]> {
  const pending: ClaimRow[][] = []
  let left = rows
  for (let round = 1; round <= ROUNDS && left.length > 0; round++) {
    const tried = left
    const planned = await steps.do(`plan ${batch}, round ${round}`, () => plan(settings, tried))
    report.planned(planned)
    const bad = new Set(planned.bad.map(({ channelId }) => channelId))
    const transactions = transactionsOf(tried.filter(({ channelId }) => !bad.has(channelId)))
    if (transactions.length === 0) break
    const claimed = await steps.do(`claim ${batch}, round ${round}`, () => claim(settings, transactions))
    report.claimed(claimed)
    const withStatus = (...statuses: Sent['status'][]) =>
      transactions.filter((_, at) => statuses.includes(claimed.sent[at]?.status ?? 'pending'))
    pending.push(...withStatus('pending'))
    left = withStatus('refused', 'reverted').flat()
  }
  return pending
}

/** Checks pending transactions again. The next run finds those that are still pending afterwards. */
async function recheckPending(
  settings: Settings,
  steps: Steps,
  report: Report,
  pending: ClaimRow[][],
): Promise<void> {
  let unmined = pending
  for (let look = 1; look <= RECHECKS && unmined.length > 0; look++) {
    const transactions = unmined
    await steps.sleep(`wait ${look}`, RECHECK_SECONDS)
    const claimed = await steps.do(`look ${look}`, () => claim(settings, transactions))
    report.claimed(claimed)
    unmined = transactions.filter((_, at) => claimed.sent[at]?.status === 'pending')
  }
}

/**
 * Reconciles every account, then sweeps to each receiver its claimed amount. Whatever was charged before `startedAt` (Unix
 * ms) must be claimed by now.
 */
async function sweepAll(settings: Settings, steps: Steps, report: Report, startedAt: number): Promise<void> {
  let after: string | null = ''
  let sums = NO_SUMS
  let exact = NO_EXACT
  let redeemed: Record<Address, string> = {}
  for (let page = 1; after !== null; page++) {
    const from: string = after
    const found = await steps.do(`reconcile ${page}`, () => reconcile(settings, from, startedAt, Date.now()))
    report.reconciled(found)
    await noteLosses(settings, steps, page, found.lost)
    sums = add(sums, found.sums)
    exact = add(exact, found.exact)
    redeemed = merge(redeemed, found.receivers)
    after = found.next
  }
  for (const receiver of Object.keys(redeemed) as Address[]) {
    const stop =
      settings.screen && (await steps.do(`screen ${receiver}`, () => screenSweep(settings, receiver)))
    if (stop) {
      report.found([stop])
      continue
    }
    const before = await steps.do(`owed to ${receiver}`, () => readTotals(settings, receiver))
    const sent = await steps.do(`sweep to ${receiver}`, () => sweep(settings, before))
    if (sent) report.swept(sent)
  }
  const { receivers, findings } = await steps.do('reconcile receivers', () =>
    reconcileReceivers(settings, redeemed),
  )
  report.summed({ sums, exact, receivers, findings })
}

function merge(a: Record<Address, string>, b: Record<Address, string>): Record<Address, string> {
  const both = { ...a }
  for (const [receiver, sum] of Object.entries(b) as [Address, string][]) {
    both[receiver] = (BigInt(both[receiver] ?? 0) + BigInt(sum)).toString()
  }
  return both
}
