/** Payments by `exact` while the calls of the Worker fail. */
import { newCrawler, PRICE } from '../harness.ts'
import { type Scenario, shop, surviveLostCalls } from '../lost-calls.ts'

const newcomer = () => newCrawler(shop)

const scenarios: Scenario[] = [
  {
    name: 'exact',
    crawler: newcomer,
    payment: (crawler) => crawler.pays(),
    spends: PRICE,
    charged: undefined,
  },
  {
    name: 'exact while the origin fails',
    crawler: newcomer,
    payment: (crawler) => crawler.pays(),
    spends: PRICE,
    charged: undefined,
    origin: async () => new Response('broken', { status: 500 }),
  },
]

surviveLostCalls(scenarios)
