/** Reads the facts of one pass: from D1, the chain and the accounts of channels that are being withdrawn from. */

import { readHeads } from '../chain/heads.ts'
import { feeNow, GAS } from '../chain/relayer/gas-money.ts'
import { readConditions } from '../chain/relayer/transaction.ts'
import { closedLines, unpaidInvoices } from '../ledger/book/credit.ts'
import type { Finding } from '../ledger/book/finding.ts'
import { completeRuns, lastEnded, lastSettled, type RunRecord, watchesSince } from '../ledger/book/runs.ts'
import { hasWatchedChannel, readWatch } from '../ledger/book/watch.ts'
import { log } from '../platform/log.ts'
import { mapConcurrently } from '../platform/pool.ts'
import { DAY_MS } from '../platform/time.ts'
import { type AlertState, isOpenAlert } from './alert.ts'
import type { Facts, FindingFact, RelayerFact, RunFact, WithdrawalFact } from './facts.ts'
import type { AlertSettings, ChannelSource } from './settings.ts'

/** Runs of the last week, of which the dearest is a night's spend. */
const NIGHTS = 7

/** Accounts that are asked in one pass. Beyond it, the rest of the withdrawals waits until some are claimed. */
const MAX_WITHDRAWALS = 100

/** Reads every fact that this deployment has. A source that fails leaves its facts out. `now`: Unix ms. */
export async function readFacts(settings: AlertSettings, state: AlertState, now: number): Promise<Facts> {
  const { book, runKinds = [], channels, hasCredit, problems } = settings
  const [runs, found, chain, credit] = await Promise.all([
    known('runs', () => Promise.all(runKinds.map((kind) => runFact(book, kind)))),
    known('findings', () => findingsOf(book, runKinds)),
    channels ? chainFacts(book, channels, state, now) : {},
    hasCredit ? creditFacts(book) : {},
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
  }
}

async function runFact(book: D1Database, kind: RunRecord['kind']): Promise<RunFact> {
  const [last, settledAt] = await Promise.all([lastEnded(book, kind), lastSettled(book, kind)])
  return { kind, last, settledAt }
}

/** The findings of the last complete run of each kind, and of the watches since. */
async function findingsOf(book: D1Database, kinds: readonly RunRecord['kind'][]): Promise<FindingFact[]> {
  const last = await Promise.all(kinds.map(async (kind) => (await completeRuns(book, kind, 1))[0]))
  const since = last.find((run) => run?.kind === 'settlement')?.startedAt ?? 0
  const watches = kinds.includes('settlement') ? await watchesSince(book, since) : []
  return [...last, ...watches].flatMap((run) =>
    run ? listIn<Finding>(run.record.findings).map((finding) => ({ ...finding, run: run.id })) : [],
  )
}

async function chainFacts(
  book: D1Database,
  channels: ChannelSource,
  state: AlertState,
  now: number,
): Promise<Partial<Facts>> {
  const { network, maxHeadAgeSeconds = 0 } = channels.chain
  const [watches, withdrawals, relayers, heads] = await Promise.all([
    known('watch', async () => [
      {
        network,
        seenAt: (await readWatch(book, network))?.seenAt ?? null,
        hasChannels: await hasWatchedChannel(book, now),
      },
    ]),
    known('withdrawals', () => withdrawalsOf(book, channels, state, now)),
    known('relayer', async () => [await relayerFact(book, channels)]),
    readHeads(channels.chain),
  ])
  return {
    ...(watches && { watches }),
    ...(withdrawals && { withdrawals }),
    ...(relayers && { relayers }),
    nodes: heads.map((head) => ({ ...head, network, maxAgeSeconds: maxHeadAgeSeconds })),
  }
}

/** The withdrawals that watches of the last day have seen, and those with an open alert, as their accounts have them now. */
async function withdrawalsOf(
  book: D1Database,
  { accounts }: ChannelSource,
  { alerts }: AlertState,
  now: number,
): Promise<WithdrawalFact[]> {
  const watches = await watchesSince(book, now - DAY_MS)
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

/** A night costs what the dearest run of the last week did, and at least one claim and one sweep. */
async function relayerFact(book: D1Database, { chain, relayer }: ChannelSource): Promise<RelayerFact> {
  const [runs, conditions] = await Promise.all([
    completeRuns(book, 'settlement', NIGHTS),
    readConditions(chain, relayer).catch(() => null),
  ])
  const least = conditions ? (GAS.claim + GAS.sweep) * feeNow(conditions) : 0n
  const night = runs.map(spentIn).reduce((most, wei) => (wei > most ? wei : most), least)
  return { address: relayer, network: chain.network, balance: conditions?.balance ?? null, night }
}

function spentIn({ record }: RunRecord): bigint {
  const sent = listIn<{ wei: string | null }>(record.transactions)
  return sent.reduce((sum, { wei }) => sum + BigInt(wei ?? 0), 0n)
}

async function creditFacts(book: D1Database): Promise<Partial<Facts>> {
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
