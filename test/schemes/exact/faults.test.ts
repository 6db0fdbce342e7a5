/** Payments by `exact` while the calls of the Worker fail. */
import { describe, it } from 'vitest'
import { newCrawler, PRICE } from '../harness.ts'
import { LOSSES, loseEachCall, type Scenario, shop } from '../lost-calls.ts'

const newcomer = () => newCrawler(shop)

const scenarios: Scenario[] = [
  {
    name: 'exact',
    crawler: newcomer,
    payment: (crawler) => crawler.pays(),
    spends: PRICE,
    charges: undefined,
  },
  {
    name: 'exact while the origin fails',
    crawler: newcomer,
    payment: (crawler) => crawler.pays(),
    spends: PRICE,
    charges: undefined,
    origin: async () => new Response('broken', { status: 500 }),
  },
]

describe.each(scenarios)('Payment by $name', (scenario) => {
  it.each(LOSSES)(
    'charges once when a call fails %s it acts, %s in a row, with flags %j [D12, E1, E3, I4]',
    { timeout: 60_000 },
    async (...loss) => loseEachCall(scenario, loss),
  )
})
