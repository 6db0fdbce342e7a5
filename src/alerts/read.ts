/** Reads the facts of one pass: from D1, the chain and the accounts of channels that are being withdrawn from. */

import { readHeads } from '../chain/heads.ts'
import { feeNow, GAS } from '../chain/relayer/gas-money.ts'
import { readConditions } from '../chain/relayer/transaction.ts'
import type { Chain } from '../chain/rpc.ts'
import type { Charted, Charts } from '../ledger/book/chart.ts'
import { closedLines, unpaidInvoices } from '../ledger/book/credit.ts'
import { owingAbove } from '../ledger/book/figure-report.ts'
import type { Finding } from '../ledger/book/finding.ts'
import { endedRuns, type RunRecord } from '../ledger/book/runs.ts'
import { hasWatchedChannel, readWatch } from '../ledger/book/watch.ts'
import { log } from '../platform/log.ts'
import { mapConcurrently } from '../platform/pool.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../platform/time.ts'
import type { Address } from '../protocol/evm/hex.ts'
import type { HostFinding } from '../sites/host-checks.ts'
import { checkHost } from '../sites/host-health.ts'
import { type AlertState, isOpenAlert } from './alert.ts'
import type {
  AlertFacts,
  FindingFact,
  NodeFact,
  RelayerFact,
  RunFact,
  UnclaimedFact,
  WatchFact,
  WithdrawalFact,
} from './facts.ts'
import { NEAR_LIMIT_PERCENT } from './kinds/chain.ts'
import type { AlertSettings, ChannelSource, SiteSource } from './settings.ts'

/** Nightly runs of a week: the dearest is what the next one may cost. */
const RUNS_OF_WEEK = 7

/** The most watches that are read: four hours of them. */
const WATCHES_READ = 50

/** Accounts that are asked in one pass. Beyond it, the rest of the withdrawals waits until some are claimed. */
const MAX_WITHDRAWALS = 100

/** Reads every fact that this deployment has. A source that fails leaves its facts out. `now`: Unix ms. */
export async function readFacts(
  settings: AlertSettings,
  state: AlertState,
  now: number,
): Promise<AlertFacts> {
  const { book, runKinds = [], channels, hasCredit, charts, problems, sites: registry } = settings
  const ended = readEnded(book)
  const [runs, found, chain, credit, sites, hosts] = await Promise.all([
    known('runs', () => Promise.all(runKinds.map((kind) => runFact(ended, kind)))),
    known('findings', () => findingsOf(ended, runKinds)),
    channels ? chainFacts(book, ended, channels, state, now) : {},
    hasCredit ? creditFacts(book) : {},
    charts ? siteFacts(charts, now) : {},
    registry ? known('sites', () => hostFacts(registry, now)) : NO_SITES,
  ])
  return {
    now,
    firstAt: state.firstAt ?? now,
    settings: problems(now),
    webhooks: state.webhooks,
    ...(runs && { runs }),
    ...(found && { findings: found }),
    ...chain,
    ...credit,
    ...sites,
    ...hosts,
  }
}

/** The newest runs of a kind that have ended, the newest first. */
type Ended = (kind: RunRecord['kind']) => Promise<RunRecord[]>

/** Several facts are made of the same runs. Each kind is read once in a pass. */
function readEnded(book: D1Database): Ended {
  const reads = new Map<RunRecord['kind'], Promise<RunRecord[]>>()
  return (kind) => {
    const read = reads.get(kind) ?? endedRuns(book, kind, kind === 'watch' ? WATCHES_READ : RUNS_OF_WEEK)
    reads.set(kind, read)
    return read
  }
}

async function runFact(ended: Ended, kind: RunRecord['kind']): Promise<RunFact> {
  const runs = await ended(kind)
  const settled = runs.find(({ status }) => status === 'settled')
  return { kind, last: runs[0] ?? null, settledAt: settled?.startedAt ?? null }
}

/** A run that went through all its steps. */
function isComplete({ status }: RunRecord): boolean {
  return status === 'settled' || status === 'in_doubt'
}

/** The newest watches that began after `since` (Unix ms) and had something to show. */
async function watchesSince(ended: Ended, since: number): Promise<RunRecord[]> {
  const watches = await ended('watch')
  return watches.slice(0, WATCHES_READ).filter(({ startedAt }) => startedAt > since)
}

/** The findings of the last complete run of each kind, and of the watches since. */
async function findingsOf(ended: Ended, kinds: readonly RunRecord['kind'][]): Promise<FindingFact[]> {
  const last = await Promise.all(kinds.map(async (kind) => (await ended(kind)).find(isComplete)))
  const since = last.find((run) => run?.kind === 'settlement')?.startedAt ?? 0
  const watches = kinds.includes('settlement') ? await watchesSince(ended, since) : []
  return [...last, ...watches].flatMap((run) =>
    run ? listIn<Finding>(run.record.findings).map((finding) => ({ ...finding, run: run.id })) : [],
  )
}

async function chainFacts(
  book: D1Database,
  ended: Ended,
  channels: ChannelSource,
  state: AlertState,
  now: number,
): Promise<Partial<AlertFacts>> {
  const { chains } = channels
  const each = <Fact>(read: (chain: Chain) => Promise<Fact>) => Promise.all(chains.map(read))
  const [watches, withdrawals, relayers, unclaimed, nodes] = await Promise.all([
    known('watch', () => each((chain) => watchFact(book, chain, now))),
    known('withdrawals', () => withdrawalsOf(ended, channels, state, now)),
    known('relayer', () => each((chain) => relayerFact(ended, chain, channels.relayer))),
    known('unclaimed', () => unclaimedOf(book, channels, now)),
    each(nodeFacts),
  ])
  return {
    ...(watches && { watches }),
    ...(withdrawals && { withdrawals }),
    ...(relayers && { relayers }),
    ...(unclaimed && { unclaimed }),
    nodes: nodes.flat(),
  }
}

async function watchFact(book: D1Database, { network }: Chain, now: number): Promise<WatchFact> {
  const [watch, hasChannels] = await Promise.all([
    readWatch(book, network),
    hasWatchedChannel(book, network, now),
  ])
  return { network, seenAt: watch?.seenAt ?? null, hasChannels }
}

async function nodeFacts(chain: Chain): Promise<NodeFact[]> {
  const { network, maxHeadAgeSeconds: maxAgeSeconds = 0 } = chain
  return (await readHeads(chain)).map((head) => ({ ...head, network, maxAgeSeconds }))
}

/** The withdrawals that watches of the last day have seen, and those with an open alert, as their accounts have them now. */
async function withdrawalsOf(
  ended: Ended,
  { accounts }: ChannelSource,
  { alerts }: AlertState,
  now: number,
): Promise<WithdrawalFact[]> {
  const watches = await watchesSince(ended, now - DAY_MS)
  const seen = watches.flatMap(({ record }) => (record.withdrawals ?? []) as string[])
  const alerted = alerts.filter((alert) => alert.kind === 'withdrawal' && isOpenAlert(alert))
  const ids = [...new Set([...alerted.map(({ subject }) => subject), ...seen])].slice(0, MAX_WITHDRAWALS)
  const facts = await mapConcurrently(
    ids,
    async (channel) => {
      const standing = await accounts.getByName(channel).standing()
      if (!standing || standing.state.withdrawRequestedAt === 0) return null
      return { channel, unclaimed: standing.charged - standing.redeemed }
    },
    (channel): WithdrawalFact => ({ channel, unclaimed: null }),
  )
  return facts.filter((fact) => fact !== null)
}

/** The next run costs what the dearest run of the last week did, and at least one claim and one sweep. */
async function relayerFact(ended: Ended, chain: Chain, relayer: Address): Promise<RelayerFact> {
  const [runs, conditions] = await Promise.all([
    ended('settlement'),
    readConditions(chain, relayer).catch(() => null),
  ])
  const least = conditions ? (GAS.claim + GAS.sweep) * feeNow(conditions) : 0n
  const runCost = runs
    .filter(isComplete)
    .slice(0, RUNS_OF_WEEK)
    .map((run) => spentIn(run, chain.network))
    .reduce((most, wei) => (wei > most ? wei : most), least)
  return { address: relayer, network: chain.network, balance: conditions?.balance ?? null, runCost }
}

/** The wei that a run spent on one network. Records of one network alone do not name it. */
function spentIn({ record }: RunRecord, on: string): bigint {
  const sent = listIn<{ wei: string | null; network?: string }>(record.transactions)
  return sent
    .filter(({ network = on }) => network === on)
    .reduce((sum, { wei }) => sum + BigInt(wei ?? 0), 0n)
}

/** Once an hour: the accounts report within minutes, and their cursors are as many as the accounts. */
async function unclaimedOf(
  book: D1Database,
  { maxUnclaimed: limit }: ChannelSource,
  now: number,
): Promise<UnclaimedFact[] | undefined> {
  if (now % HOUR_MS >= 5 * MINUTE_MS) return undefined
  const above = (limit * NEAR_LIMIT_PERCENT) / 100n
  return (await owingAbove(book, above)).map((channel) => ({ ...channel, limit }))
}

/** The most sites whose hours are read, in order of name. */
const MAX_SITES = 5_000

/** Requests by site: of this hour and the one before, and of that one a day earlier. */
async function siteFacts({ book, traffic }: Charts, now: number): Promise<Partial<AlertFacts>> {
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS
  const spans = [
    { from: hour - HOUR_MS, to: hour + HOUR_MS },
    { from: hour - HOUR_MS - DAY_MS, to: hour - DAY_MS },
  ]
  const read = async <Sum extends string>(chart: Charted<Sum>) => {
    const rest = {
      interval: 'hour',
      by: ['site'],
      only: {},
      sites: null,
      after: null,
      limit: MAX_SITES,
    } as const
    const charts = await Promise.all(spans.map((span) => chart({ ...rest, ...span })))
    return charts
      .flatMap(({ figures }) => figures)
      .map(({ at, names: [site = ''], sums }) => ({ site, at, ...sums }))
  }
  const [money, counted] = await Promise.all([
    known('figures', () => read(book)),
    traffic ? known('traffic', () => read(traffic)) : undefined,
  ])
  return {
    ...(money && { paid: money.map(({ site, at, charges }) => ({ site, at, paid: charges })) }),
    ...(counted && { traffic: counted }),
  }
}

/**
 * Hosts that are checked in one pass, each with at most four questions to resolvers and the platform. Passes come every five
 * minutes, so 1,000 hosts take some eight hours.
 */
export const MAX_CHECKED_HOSTS = 10

/** The facts without a registry: none of its receivers has changed. */
const NO_SITES: Pick<AlertFacts, 'receivers'> = { receivers: [] }

/** Checks the hosts whose turn it is. A host stays as it was while a resolver or the platform fails. */
async function hostFacts(
  { registry, witnesses }: SiteSource,
  now: number,
): Promise<Pick<AlertFacts, 'broken' | 'receivers'>> {
  const sites = registry()
  const { broken: before } = await sites.watched(now)
  const findings = await Promise.all(
    (await sites.dueHosts(MAX_CHECKED_HOSTS)).map(async (host): Promise<HostFinding> => {
      const health = await checkHost(host, witnesses)
      const known = before.find((one) => one.host === host.host)?.why ?? null
      const why = { ok: null, unknown: known, broken: health.outcome === 'ok' ? null : health.why }
      return { host: host.host, why: why[health.outcome] }
    }),
  )
  await sites.checked(findings)
  return sites.watched(now - DAY_MS)
}

async function creditFacts(book: D1Database): Promise<Partial<AlertFacts>> {
  const [closed, invoices] = await Promise.all([
    known('credit lines', () => closedLines(book)),
    known('invoices', () => unpaidInvoices(book)),
  ])
  return { ...(closed && { closed }), ...(invoices && { invoices }) }
}

/** A source that fails leaves its alerts as they are, and the others go on. */
async function known<Value>(source: string, read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (fault) {
    log('alert_source_unreadable', { source, fault })
    return undefined
  }
}

/** The list in a run's record. Records of earlier versions may have none. */
function listIn<Item>(part: unknown): Item[] {
  return (part as { list?: Item[] } | undefined)?.list ?? []
}
