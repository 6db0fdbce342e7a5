/** The CONTRACTS of a policy: prices agreed with one crawler. */
import * as v from 'valibot'
import { crawlerNamed } from '../identity/crawlers.ts'
import type { Contract, Contracts } from '../paywall/terms/contracts.ts'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { isTable, onlyKeys, readWith, unpack } from '../platform/schema.ts'
import { DAY_MS } from '../platform/time.ts'
import { usd } from './schema.ts'

/** How CONTRACTS must look. */
export const CONTRACTS_EXPECTED: Readonly<Record<string, Expected>> = {
  CONTRACTS: {
    want: 'a table of contracts by the name of a crawler or the https URL of a signing agent',
    example: '{ GPTBot = { price = "0.001", until = "2027-06-30" } }',
  },
  'CONTRACTS.price': { want: 'USD in quotes, at least "0.000001"', example: '"0.001"' },
  'CONTRACTS.until': { want: 'the last day of the contract (UTC)', example: '"2027-06-30"' },
}

/** A contract is warned of so long before it ends. */
const WARNING_DAYS = 14

const lastDay = readWith((text) => {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN
  const isDay = !Number.isNaN(at) && new Date(at).toISOString().startsWith(text)
  return isDay ? { value: at + DAY_MS } : 'must be the last day of the contract (UTC), such as "2027-06-30"'
})

const priceOf = v.pipe(
  v.looseObject({ price: usd, until: lastDay }, 'must be a table with price and until'),
  onlyKeys(['price', 'until']),
)

/** Contracts by name, each with its price and the moment at which it ends. */
export const contractsTerm = v.pipe(
  v.unknown(),
  v.transform(unpack),
  v.rawCheck(({ dataset, addIssue }) => {
    const input: unknown = dataset.value
    if (!isTable(input)) return
    for (const [key, value] of Object.entries(input)) {
      if (keyOf(key) !== undefined) continue
      const message = 'must be renamed to a known crawler or the https URL of a signing agent'
      addIssue({ message, path: [{ type: 'object', origin: 'key', input, key, value }] })
    }
  }),
  v.record(v.string(), priceOf),
)

/** The contracts as a policy has them. */
export function contractsOf(read: v.InferOutput<typeof contractsTerm>): Contracts {
  return new Map(
    Object.entries(read).map(([key, { price, until }]): [string, Contract] => [
      keyOf(key) ?? key,
      { price, endsAt: until },
    ]),
  )
}

/** Contracts that have ended or end soon. `now` in Unix milliseconds. */
export function contractWarnings(contracts: Contracts | undefined, now: number): ConfigProblem[] {
  return [...(contracts ?? [])]
    .filter(([, { endsAt }]) => endsAt - now < WARNING_DAYS * DAY_MS)
    .map(([name, { endsAt }]) => {
      const day = new Date(endsAt - DAY_MS).toISOString().slice(0, 10)
      const message = `must be renewed or removed: the contract ${endsAt > now ? 'ends' : 'ended'} on ${day}`
      return { place: `CONTRACTS.${name}`, message }
    })
}

function keyOf(key: string): string | undefined {
  const url = URL.parse(key)
  if (url?.protocol === 'https:') return url.pathname === '/' && !url.search ? url.host : undefined
  return crawlerNamed(key)?.name.toLowerCase()
}
