/** Times decisions of a policy with many rules for many crawlers, and the reading of their URLs. `node bench/decide.ts` prints them. */
import { parsePolicy } from '../src/config/policy.ts'
import { classify } from '../src/identity/classify.ts'
import { crawlers } from '../src/identity/crawlers.ts'
import { decideUrl, type Policy } from '../src/paywall/policy.ts'
import { median } from './rounds.ts'

export const RULES = 10_000
export const CRAWLERS = 200
const REQUESTS = 2_000

/** Medians in microseconds for one decision: of the usual URL, and of one with many readings. */
export type Decided = { plain: number; readings: number }

export function timeDecisions(rounds: number): Decided {
  const names = crawlers.slice(0, CRAWLERS).map((crawler) => crawler.name)
  const policy = policyOf(names)
  const askers = names.map((name) => classify({ userAgent: `${name}/1.0`, signed: false, paying: false }))
  const time = (urlOf: (at: number) => string) => {
    const requests = Array.from({ length: REQUESTS }, (_, at) => ({
      method: 'GET',
      url: urlOf(at * 7919),
      asker: askers[at % askers.length] ?? classify({ userAgent: null, signed: false, paying: false }),
    }))
    const start = performance.now()
    for (const request of requests)
      if (!decideUrl(policy, request).ok) throw new Error(`the URL must be readable: ${request.url}`)
    return ((performance.now() - start) * 1000) / REQUESTS
  }
  const plain = (at: number) => `https://site.example/section-${at % RULES}/story-${at}.html`
  const odd = (at: number) => `https://site.example/section-${at % RULES};v=1/a%2Fb//c-${at}`
  for (let warm = 0; warm < 3; warm++) [plain, odd].forEach(time)
  const timed = Array.from({ length: rounds }, () => [time(plain), time(odd)] as const)
  return { plain: median(timed.map(([one]) => one)), readings: median(timed.map(([, other]) => other)) }
}

/** Each rule names a folder, an ending or an article, and a crawler; the last one names none, so that all are searched. */
function policyOf(names: readonly string[]): Policy {
  const path = (at: number) =>
    [`/section-${at}/*`, `/*-${at}.html`, `/articles/story-${at}`, `/articles/*/part-${at}`][at % 4]
  const rules = Array.from({ length: RULES - 1 }, (_, at) => ({
    path: path(at),
    who: names[at % names.length],
    action: 'charge',
    price: '0.01',
  }))
  const result = parsePolicy({
    ORIGIN: 'zone',
    RECEIVER: `0x${'1'.repeat(40)}`,
    NETWORK: 'eip155:84532',
    PRICE: '0.001',
    RULES: [...rules, { path: '/*', action: 'charge' }],
  })
  if (!result.ok) throw new Error('the policy must be valid')
  return result.policy
}

if (import.meta.main) {
  const { plain, readings } = timeDecisions(21)
  console.log(
    `${RULES} rules, ${CRAWLERS} crawlers: ${plain.toFixed(1)} µs, ${readings.toFixed(1)} µs with readings`,
  )
}
