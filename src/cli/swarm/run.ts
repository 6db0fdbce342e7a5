/** Runs a swarm: arrivals come when the plan says, whether earlier ones have ended or not. */
import type { Kit } from '../../lab/crawlers/crawler.ts'
import type { CrawlerTally } from '../../lab/score.ts'
import type { Arrival, SwarmCrawler } from './mix.ts'
import { STEPS } from './steps.ts'

/** One payer of a swarm. A payer sends its requests in turn, as its totals ascend. */
export type Lane = { name: SwarmCrawler; kit: Kit; tally(): CrawlerTally }

/** Latencies by crawler, in milliseconds from the moment that the plan intended; arrivals whose step failed. */
export type Ran = { latencies: Map<SwarmCrawler, number[]>; failures: Map<string, number> }

/** Runs the arrivals. Settles when all have ended; `isStopped` ends the arrivals early. */
export async function runSwarm(
  plan: readonly Arrival[],
  lanes: readonly Lane[],
  isStopped: () => boolean,
): Promise<Ran> {
  const latencies = new Map<SwarmCrawler, number[]>()
  const failures = new Map<string, number>()
  const queues = new Map(lanes.map((lane) => [lane, Promise.resolve()]))
  const turns = new Map<SwarmCrawler, number>()
  const start = performance.now()
  for (const { atMs, name } of plan) {
    const wait = start + atMs - performance.now()
    if (wait > 0) await new Promise((over) => setTimeout(over, wait))
    if (isStopped()) break
    const lane = nextLane(name)
    if (!lane) continue
    const done = (queues.get(lane) ?? Promise.resolve())
      .then(() => STEPS[name](lane.kit))
      .catch((fault: unknown) => void failures.set(`${fault}`, (failures.get(`${fault}`) ?? 0) + 1))
      .then(() => void listOf(name).push(performance.now() - start - atMs))
    queues.set(lane, done)
  }
  await Promise.all(queues.values())
  return { latencies, failures }

  function nextLane(name: SwarmCrawler): Lane | undefined {
    const own = lanes.filter((lane) => lane.name === name)
    const turn = turns.get(name) ?? 0
    turns.set(name, turn + 1)
    return own[turn % own.length]
  }

  function listOf(name: SwarmCrawler): number[] {
    const list = latencies.get(name) ?? []
    latencies.set(name, list)
    return list
  }
}
