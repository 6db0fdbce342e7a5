/** The names of the measured cases. */
import type { Traffic } from './requests.ts'
import type { BenchWorker, WorkerOptions } from './runtime.ts'

/** In the order of measurement, with compared cases next to each other. */
export const CASES = {
  bare: 'a handler that answers 402',
  unpaid: 'the paywall, unpaid',
  termsBare: 'a handler that answers the 402 of a policy with all terms',
  termsUnpaid: 'the paywall with all terms of prices, unpaid',
  upstream402: '@x402/hono, unpaid',
  call: 'a handler that makes an empty call to a Durable Object',
  least: 'the paywall, its charge writes one number, nothing verified',
  empty: 'the paywall, its charge an empty call, nothing verified',
  commit: 'the paywall, nothing verified',
  voucher: 'the paywall',
  upstream: '@x402/evm batch-settlement, in memory',
  unverified: 'the paywall in front of an origin, nothing verified',
  proxied: 'the paywall in front of an origin',
  creditBare: 'a handler that answers 402 with all three offers',
  creditUnpaid: 'the paywall with all three offers, unpaid',
  creditEmpty: 'the paywall, its charge on credit an empty call, nothing verified',
  credit: 'the paywall, on credit',
  oneSite: 'the paywall with a registry, one site',
  manySites: 'the paywall with a registry, all sites in turn',
} as const

export type CaseName = keyof typeof CASES

export type Open = (name: CaseName, options: WorkerOptions, traffic: Partial<Traffic>) => Promise<BenchWorker>
