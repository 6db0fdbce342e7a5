/** One load from its first deposit to its audit. */
import { randomFrom } from '../../lab/crawlers/kit.ts'
import { CommandError, talk } from '../command.ts'
import { openLanes } from './lanes.ts'
import { percentiles } from './latency.ts'
import { arrivals, lanesOf, type Mix, payersWanted } from './mix.ts'
import { moneyOf, readFigures } from './money.ts'
import { passNights } from './nights.ts'
import { newWallets, type SwarmPayers } from './payers.ts'
import type { SwarmReport } from './report.ts'
import { type Lane, runSwarm } from './run.ts'

/** `nights`: how many nightly runs follow. */
export type Load = { mix: Mix; perSecond: number; spanMs: number; seed: number; nights: number }

/** Runs a load, then its nights, and audits both. @throws CommandError for too few payers, or a page that is not for sale */
export async function runLoad(url: string, load: Load, payers: SwarmPayers): Promise<SwarmReport> {
  const { mix, perSecond, spanMs, seed, nights } = load
  const { stack, operator, rpcUrl } = payers
  const wallets = stack ? await newWallets(stack, payersWanted(mix, perSecond)) : payers.wallets
  const shares = lanesOf(mix, wallets.length)
  if (!shares)
    throw new CommandError(`--mix has ${mix.length} crawlers, and there must be as many payers at least.`)
  talk(`Opening the channels of ${wallets.length} payers.`)
  const lanes = await openLanes(url, { wallets, rpcUrl }, shares, seed)
  const plan = arrivals(mix, perSecond, spanMs, randomFrom(seed))
  talk(`${plan.length} arrivals at ${url} within ${spanMs / 1_000} s. Ctrl-C ends them early.`)
  const before = await readFigures(lanes, operator)
  const then = lanes.map(({ tally }) => structuredClone(tally()))
  let isStopped = false
  const stop = () => {
    isStopped = true
  }
  process.once('SIGINT', stop)
  const startedAt = performance.now()
  const { latencies, failures, waited } = await runSwarm(plan, lanes, () => isStopped)
  process.off('SIGINT', stop)
  const seconds = Math.round((performance.now() - startedAt) / 10) / 100
  const counted = (of: 'byStatus' | 'byReason') => countedSince(lanes, then, of)
  const [byStatus, refused] = [counted('byStatus'), counted('byReason')]
  const loaded = await readFigures(lanes, operator)
  if (nights > 0) talk(`${nights} nights. Before each one every payer buys one page more.`)
  const night =
    stack && nights > 0 ? await passNights(stack, nights, lanes, () => readFigures(lanes, operator)) : null
  return {
    version: 1,
    url,
    seed,
    payers: lanes.length,
    arrivals: [...latencies.values()].reduce((sum, list) => sum + list.length, 0),
    waited,
    seconds,
    latency: Object.fromEntries([...latencies].map(([name, list]) => [name, percentiles(list)])),
    requests: Object.values(byStatus).reduce((sum, count) => sum + count, 0),
    byStatus,
    refused,
    money: moneyOf(before, loaded),
    nights: night?.passed ?? [],
    audit: night && moneyOf(before, night.figures),
    failures: Object.fromEntries(failures),
  }
}

/** How much some counters of all lanes have grown. */
function countedSince(
  lanes: readonly Lane[],
  then: readonly ReturnType<Lane['tally']>[],
  of: 'byStatus' | 'byReason',
): Record<string, number> {
  const counts: Record<string, number> = {}
  lanes.forEach(({ tally }, lane) => {
    for (const [name, count] of Object.entries(tally()[of])) {
      const more = count - (then[lane]?.[of][name] ?? 0)
      if (more > 0) counts[name] = (counts[name] ?? 0) + more
    }
  })
  return counts
}
