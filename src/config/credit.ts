/** The settings of credit: their shapes, and the part of the config they make. Read by config.ts alone. */
import * as v from 'valibot'
import { CLOUDFLARE, type CreditNetwork, creditNetwork } from '../protocol/x402/commitment.ts'
import { readWith, unpack, usd } from './schema.ts'

export type CreditConfig = {
  network: CreditNetwork
  /** What agents of a tier pay, in hundredths of a percent of the price. */
  tiers: ReadonlyMap<string, bigint>
  registrationUrl: string
  /** What a new agent may owe before it has paid anything, in micro-dollars. */
  probation: bigint
}

export const CREDIT_WANTS = {
  OPERATOR: 'the name of your billing network: 3 to 8 of a-z, 0-9 and "-", and no namespace of a chain',
  CREDIT_NETWORK: '"cloudflare:402", to test against its clients, or nothing',
  REGISTRATION_URL: 'an https: or mailto: URL where the operator of a crawler asks for credit',
  CREDIT_TIERS: 'a table of tiers and what they pay of a price: { partner = "80%" }',
  PROBATION: 'USD as a quoted decimal, at least "0.000001"',
  CLOUDFLARE_CHARGES: 'true where Cloudflare’s own Pay Per Crawl or Monetization Gateway charges, else false',
}

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

const LONGEST_URL = 200

const share = readWith((text) => {
  const [, whole, fraction = ''] = /^(\d{1,3})(?:\.(\d{1,2}))?%$/.exec(text) ?? []
  if (whole === undefined) return 'is no percentage'
  const hundredths = BigInt(whole) * 100n + BigInt(fraction.padEnd(2, '0'))
  if (hundredths === 0n) return 'is zero'
  return hundredths > 10_000n ? 'is above the price' : { value: hundredths }
})

export const creditSettings = {
  OPERATOR: v.optional(
    readWith((text) => {
      if (!/^[-a-z0-9]{3,8}$/.test(text)) return 'is no such name'
      return CHAINS.has(text) ? 'is the namespace of a chain' : { value: text }
    }),
    'tab402',
  ),
  CREDIT_NETWORK: v.optional(v.picklist([CLOUDFLARE], 'is no known network')),
  REGISTRATION_URL: v.optional(
    readWith((text) => {
      const { protocol, href = '' } = URL.parse(text) ?? {}
      if (protocol !== 'https:' && protocol !== 'mailto:') return 'is no https: or mailto: URL'
      return href.length > LONGEST_URL ? 'is too long for a header' : { value: href }
    }),
  ),
  CREDIT_TIERS: v.optional(
    v.pipe(v.unknown(), v.transform(unpack), v.record(v.string(), share, 'is no table of tiers')),
    {},
  ),
  PROBATION: v.optional(usd, '1'),
  CLOUDFLARE_CHARGES: v.optional(
    v.pipe(
      v.unknown(),
      v.transform((value) => (value === 'true' || value === 'false' ? value === 'true' : value)),
      v.boolean('is neither true nor false'),
    ),
    false,
  ),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof creditSettings, undefined>>

/** Undefined where crawlers cannot ask for credit. */
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
