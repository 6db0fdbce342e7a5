/** The settings of the dataset that traffic is counted in. They let the API read it; writing needs the binding alone. */
import * as v from 'valibot'
import type { DatasetAccess } from '../ledger/book/traffic-dataset.ts'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { shaped } from './fields.ts'

/** How each setting of the dataset must look. */
export const TRAFFIC_EXPECTED = {
  TRAFFIC_ACCOUNT: { want: 'the id of your Cloudflare account: 32 hex digits', example: '"0f1e…"' },
  TRAFFIC_DATASET: {
    want: 'the name of the bound dataset: letters, digits and _',
    example: '"tab402_traffic"',
  },
  TRAFFIC_TOKEN: {
    want: 'an API token with the permission Account Analytics: Read',
    example: 'a secret: wrangler secret put TRAFFIC_TOKEN',
  },
} as const satisfies Record<string, Expected>

/** The schemas of the settings of the dataset, by name. */
export const trafficSettings = {
  TRAFFIC_ACCOUNT: v.optional(shaped(/^[0-9a-f]{32}$/)),
  TRAFFIC_DATASET: v.optional(shaped(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), 'tab402_traffic'),
  TRAFFIC_TOKEN: v.optional(shaped(/^[!-~]{16,256}$/)),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof trafficSettings, undefined>>

/** How the dataset is read; undefined without an account and a token. */
export function trafficConfig(settings: Settings): DatasetAccess | undefined {
  const { TRAFFIC_ACCOUNT: account, TRAFFIC_DATASET: dataset, TRAFFIC_TOKEN: token } = settings
  return account !== undefined && token !== undefined ? { account, dataset, token } : undefined
}

/** The two that make one access, where only one is set. */
export function trafficProblems({ TRAFFIC_ACCOUNT, TRAFFIC_TOKEN }: Settings): ConfigProblem[] {
  if ((TRAFFIC_ACCOUNT === undefined) === (TRAFFIC_TOKEN === undefined)) return []
  const place = TRAFFIC_ACCOUNT === undefined ? 'TRAFFIC_ACCOUNT' : 'TRAFFIC_TOKEN'
  const { example } = TRAFFIC_EXPECTED[place]
  return [{ place, message: 'must be set with the other of TRAFFIC_ACCOUNT and TRAFFIC_TOKEN', example }]
}
