/** The settings of credit: their schemas, and the part of the config built from them. */
import * as v from 'valibot'
import type { Expected } from '../platform/problem.ts'
import { readWith, unpack } from '../platform/schema.ts'
import { CLOUDFLARE, type CreditNetwork, creditNetwork } from '../protocol/x402/commitment.ts'
import { usd } from './schema.ts'

/** Longer URLs do not fit beside the offers in a 402's header. */
const MAX_URL_LENGTH = 200

/** The terms on which crawlers get credit. */
export type CreditConfig = {
  network: CreditNetwork
  /** The share of the price that agents of a tier pay, in hundredths of a percent. */
  tiers: ReadonlyMap<string, bigint>
  registrationUrl: string
  /** The initial credit limit of a new agent, until its first payment. Micro-dollars. */
  probation: bigint
}

/** How each setting of credit must look. */
export const CREDIT_EXPECTED = {
  OPERATOR: {
    want: '3 to 8 of a-z, 0-9 and "-", and not the namespace of a chain such as eip155',
    example: '"acme"',
  },
  CREDIT_NETWORK: { want: '"cloudflare:402" or left out', example: '"cloudflare:402"' },
  REGISTRATION_URL: {
    want: `an https: or mailto: URL of at most ${MAX_URL_LENGTH} characters`,
    example: '"mailto:billing@example.com"',
  },
  CREDIT_TIERS: {
    want: 'a table of tiers and the share of the price that they pay',
    example: '{ partner = "80%" }',
  },
  PROBATION: { want: 'USD in quotes, at least "0.000001"', example: '"1"' },
  CLOUDFLARE_CHARGES: {
    want: "true where Cloudflare's own Pay Per Crawl or Monetization Gateway charges, otherwise false",
    example: 'false',
  },
} as const satisfies Record<string, Expected>

/** CAIP-2 namespaces that clients read as chains. */
const CHAINS = new Set([
  'eip155',
  'solana',
  'bip122',
  'cosmos',
  'polkadot',
  'stellar',
  'starknet',
  'aptos',
  'sui',
])

const share = readWith((text) => {
  const [, whole, fraction = ''] = /^(\d{1,3})(?:\.(\d{1,2}))?%$/.exec(text) ?? []
  const hundredths = BigInt(whole ?? 0) * 100n + BigInt(fraction.padEnd(2, '0'))
  const valid = hundredths > 0n && hundredths <= 10_000n
  return valid ? { value: hundredths } : 'must be a percentage above "0%" and up to "100%"'
})

/** The schemas of the settings of credit, by name. */
export const creditSettings = {
  OPERATOR: v.optional(
    readWith((text) => (/^[-a-z0-9]{3,8}$/.test(text) && !CHAINS.has(text) ? { value: text } : null)),
    'tab402',
  ),
  CREDIT_NETWORK: v.optional(v.picklist([CLOUDFLARE])),
  REGISTRATION_URL: v.optional(
    readWith((text) => {
      const { protocol, href = '' } = URL.parse(text) ?? {}
      const known = protocol === 'https:' || protocol === 'mailto:'
      return known && href.length <= MAX_URL_LENGTH ? { value: href } : null
    }),
  ),
  CREDIT_TIERS: v.optional(v.pipe(v.unknown(), v.transform(unpack), v.record(v.string(), share)), {}),
  PROBATION: v.optional(usd, '1'),
  CLOUDFLARE_CHARGES: v.optional(
    v.pipe(
      v.unknown(),
      v.transform((value) => (value === 'true' || value === 'false' ? value === 'true' : value)),
      v.boolean(),
    ),
    false,
  ),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof creditSettings, undefined>>

/** The credit part of the config; undefined without REGISTRATION_URL. */
export function creditConfig(settings: Settings): CreditConfig | undefined {
  const { OPERATOR, CREDIT_NETWORK, REGISTRATION_URL, CREDIT_TIERS, PROBATION } = settings
  if (REGISTRATION_URL === undefined) return undefined
  return {
    network: creditNetwork(CREDIT_NETWORK ?? `${OPERATOR}:402`),
    tiers: new Map(Object.entries(CREDIT_TIERS)),
    registrationUrl: REGISTRATION_URL,
    probation: PROBATION,
  }
}
