/** Runs a swarm: arrivals come when the plan says, whether earlier ones have ended or not. */
import type { Kit } from '../../lab/crawlers/crawler.ts'
import type { CrawlerTally } from '../../lab/score.ts'
import type { Arrival, SwarmCrawler } from './mix.ts'
import { STEPS } from './steps.ts'

/** One payer of a swarm. A payer sends its requests in turn, as its totals ascend. */
export type Lane = { name: SwarmCrawler; kit: Kit; tally(): CrawlerTally }

/**
 * Latencies by crawler, in milliseconds from the moment that the plan intended; arrivals whose step failed; arrivals that
 * `waited` because every payer of their kind was busy.
 */
export type Ran = { latencies: Map<SwarmCrawler, number[]>; failures: Map<string, number>; waited: number }

/** Runs the arrivals. Settles when all have ended; `isStopped` ends the arrivals early. */
export async function runSwarm(
  plan: readonly Arrival[],
  lanes: readonly Lane[],
  isStopped: () => boolean,
): Promise<Ran> {
  const latencies = new Map<SwarmCrawler, number[]>()
  const failures = new Map<string, number>()
  const queues = lanes.map((lane) => ({ lane, length: 0, last: Promise.resolve() }))
  let waited = 0
  const start = performance.now()
  for (const { atMs, name } of plan) {
    const wait = start + atMs - performance.now()
    if (wait > 0) await new Promise((over) => setTimeout(over, wait))
    if (isStopped()) break
    const queue = shortest(name)
    if (!queue) continue
    if (queue.length > 0) waited++
    queue.length++
    queue.last = queue.last
      .then(() => STEPS[name](queue.lane.kit))
      .catch((fault: unknown) => void failures.set(`${fault}`, (failures.get(`${fault}`) ?? 0) + 1))
      .then(() => {
        queue.length--
        listOf(name).push(performance.now() - start - atMs)
      })
  }
  await Promise.all(queues.map(({ last }) => last))
  return { latencies, failures, waited }

  function shortest(name: SwarmCrawler) {
    const own = queues.filter(({ lane }) => lane.name === name)
    return own.toSorted((a, b) => a.length - b.length)[0]
  }

  function listOf(name: SwarmCrawler): number[] {
    const list = latencies.get(name) ?? []
    latencies.set(name, list)
    return list
  }
}
