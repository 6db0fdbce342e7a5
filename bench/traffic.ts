/** Times the count of a request, in Node and in time of the CPU: its share of an unpaid 402. */
import { classify } from '../src/identity/classify.ts'
import { crawlers } from '../src/identity/crawlers.ts'
import type { Decision } from '../src/paywall/policy.ts'
import { Tally } from '../src/paywall/tally.ts'
import { trafficCount, trafficCounts } from '../src/paywall/traffic.ts'
import { accept } from '../src/protocol/refusal.ts'
import { median } from './rounds.ts'

const TIMES = 20_000
const ROUNDS = 21

/** Microseconds of CPU for one count, writing left out: the median of the rounds, for fifty crawlers in turn. */
export function timeCounts(): number {
  const { now } = Date
  const ports = { store: async () => {}, defer: () => {}, wait: async () => {}, now }
  const count = trafficCount(new Tally(trafficCounts(), ports), now)
  const rule: Decision = { action: 'charge', price: 1_000n, schemes: [], rule: 0, why: '' }
  const requests = crawlers.slice(0, 50).map(({ name }) => ({
    origin: 'https://site.example',
    asker: classify({ userAgent: `${name}/1.0`, signed: false, paying: false }),
    decided: accept(rule),
    head: false,
  }))
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.cpuUsage()
    for (let at = 0; at < TIMES; at++) {
      const request = requests[at % requests.length]
      if (request) count('site', request, 'unpaid', 402)
    }
    return process.cpuUsage(start).user / TIMES
  })
  // The first rounds are for the compiler.
  return median(rounds.slice(5))
}
