/** Times the classification of the longest User-Agent of crawler-user-agents, in Node and in time of the CPU. */
import agents from 'crawler-user-agents'
import { classify } from '../src/identity/classify.ts'
import { publishedIn } from '../src/identity/published/published.ts'
import { median } from './rounds.ts'

const TIMES = 5_000
const ROUNDS = 21

/** Microseconds of CPU for one classification: the median of the rounds, for the longest string and for all in turn. */
export type Classified = { longest: number; each: number }

export function timeClassification(): Classified {
  const published = publishedIn({}, Date.now)
  const all = agents.flatMap(({ instances }) => instances)
  const longest = all.reduce((one, other) => (other.length > one.length ? other : one), '')
  const time = (strings: readonly string[]) => {
    const rounds = Array.from({ length: ROUNDS }, () => {
      const start = process.cpuUsage()
      for (let at = 0; at < TIMES; at++)
        classify({
          userAgent: strings[at % strings.length] ?? '',
          signed: false,
          paying: false,
          address: '66.249.66.1',
          published,
        })
      return process.cpuUsage(start).user / TIMES
    })
    // The first rounds are for the compiler.
    return median(rounds.slice(5))
  }
  // More variants than an isolate keeps, so that each is read anew.
  const variants = Array.from({ length: 1_000 }, (_, at) => `${longest} ${at}`)
  return { longest: time(variants), each: time(all) }
}
