/** The settings of billing: their schemas, and the part of the config built from them. */
import * as v from 'valibot'
import type { OperatorKey } from '../billing/operator-key.ts'
import type { DunningTerms } from '../ledger/billing/types.ts'
import type { Seller } from '../ledger/billing/vat.ts'
import type { ConfigProblem, Expected } from '../platform/problem.ts'
import { readWith, unpack } from '../platform/schema.ts'
import { durableObject, integer, shaped, textOf, url } from './fields.ts'
import { stripeCode } from './stripe-plugin.ts'
import { WEBHOOK_EXPECTED, webhookSettings } from './webhooks.ts'

/** The settings that statements and invoices need. */
export type BillConfig = {
  seller: Seller
  /** Signs statements. */
  key: OperatorKey
  /** The URL of this Worker without a trailing slash. Links to payment pages begin with it. */
  publicUrl: string
  dunning: DunningTerms
  /** Bank details on invoices that are paid by transfer. */
  transferTo: string
  /** Present with STRIPE_SECRET_KEY. */
  stripe: { secretKey: string; webhookSecret: string; api: string | undefined } | undefined
}

const TEXT: Expected = { want: '1 to 200 characters in quotes', example: '"Example Press GmbH"' }

/** How each setting of billing must look. */
export const BILL_EXPECTED = {
  SELLER: {
    want: 'a table with name and country, and optionally address, taxId, email and vat',
    example: '{ name = "Example Press GmbH", country = "DE", vat = "19%" }',
  },
  'SELLER.name': TEXT,
  'SELLER.country': { want: 'an ISO 3166 code of two capital letters', example: '"DE"' },
  'SELLER.address': { want: 'at most 500 characters in quotes', example: '"Main Street 1, 10115 Berlin"' },
  'SELLER.taxId': { ...TEXT, example: '"DE123456789"' },
  'SELLER.email': { ...TEXT, example: '"billing@example.com"' },
  'SELLER.vat': { want: 'a percentage in quotes with at most two decimals', example: '"19%"' },
  OPERATOR_KEY: {
    want: 'an Ed25519 private key as a JWK',
    example: '{"kty":"OKP","crv":"Ed25519","x":"…","d":"…"}',
  },
  PUBLIC_URL: { want: "this Worker's https URL without a path", example: '"https://news.example.com"' },
  DUNNING: {
    want: 'a table of whole days from 0 to 3650: net, pastDue, suspended, writtenOff',
    example: '{ net = 14, pastDue = 3, suspended = 10, writtenOff = 90 }',
  },
  'DUNNING.net': { want: '0 to 3650 whole days', example: '14' },
  'DUNNING.pastDue': { want: '0 to 3650 whole days', example: '3' },
  'DUNNING.suspended': { want: '0 to 3650 whole days', example: '10' },
  'DUNNING.writtenOff': { want: '0 to 3650 whole days', example: '90' },
  TRANSFER_TO: {
    want: 'the bank details for invoices, at most 500 characters in quotes',
    example: '"IBAN DE02 1203 0000 0000 2020 51"',
  },
  ...WEBHOOK_EXPECTED,
  STRIPE_SECRET_KEY: { want: 'a secret or restricted key of Stripe', example: 'sk_live_… or rk_live_…' },
  STRIPE_WEBHOOK_SECRET: {
    want: "the signing secret of Stripe's webhook for /_tab402/stripe",
    example: 'whsec_…',
  },
  STRIPE_API: { want: "the https URL of Stripe's API", example: '"https://api.stripe.com"' },
} as const satisfies Record<string, Expected>

const text = textOf(1, 200)

const seller = v.pipe(
  v.unknown(),
  v.transform(unpack),
  v.strictObject({
    name: text,
    country: shaped(/^[A-Z]{2}$/),
    address: v.exactOptional(textOf(0, 500)),
    taxId: v.exactOptional(text),
    email: v.exactOptional(text),
    vat: v.exactOptional(
      readWith((rate) => {
        const [, whole, fraction = ''] = /^(\d{1,2})(?:\.(\d{1,2}))?%$/.exec(rate) ?? []
        return whole === undefined ? null : { value: +whole * 100 + +fraction.padEnd(2, '0') }
      }),
    ),
  }),
)

const key43 = shaped(/^[\w-]{43}$/)

const operatorKey = v.pipe(
  v.unknown(),
  v.transform(unpack),
  v.object({
    kty: v.literal('OKP'),
    crv: v.literal('Ed25519'),
    x: key43,
    d: key43,
  }),
)

const days = integer(0, 3650)

/** The schemas of the settings of billing, by name. */
export const billSettings = {
  SELLER: v.optional(seller),
  OPERATOR_KEY: v.optional(operatorKey),
  PUBLIC_URL: v.optional(
    v.pipe(
      url,
      v.check((text) => isOrigin(text)),
    ),
  ),
  DUNNING: v.optional(
    v.pipe(
      v.unknown(),
      v.transform(unpack),
      v.strictObject({
        net: v.optional(days, 14),
        pastDue: v.optional(days, 3),
        suspended: v.optional(days, 10),
        writtenOff: v.optional(days, 90),
      }),
      v.check(
        ({ pastDue, suspended, writtenOff }) => pastDue <= suspended && suspended <= writtenOff,
        'must be ascending: pastDue ≤ suspended ≤ writtenOff',
      ),
    ),
    {},
  ),
  TRANSFER_TO: v.optional(textOf(0, 500), ''),
  ...webhookSettings,
  STRIPE_SECRET_KEY: v.optional(shaped(/^[sr]k_[!-~]{8,256}$/)),
  STRIPE_WEBHOOK_SECRET: v.optional(shaped(/^whsec_[!-~]{8,256}$/)),
  STRIPE_API: v.optional(url),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof billSettings, undefined>>

/** Settings that must be set together. */
const TOGETHER: readonly (readonly (keyof typeof BILL_EXPECTED)[])[] = [
  ['SELLER', 'OPERATOR_KEY', 'PUBLIC_URL'],
  ['WEBHOOK_URL', 'WEBHOOK_SECRET'],
  ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'],
]

const BINDINGS = [
  { place: 'LINES', example: durableObject('LINES', 'CreditLine') },
  { place: 'NUMBERS', example: durableObject('NUMBERS', 'Numbers') },
]

const WITHOUT_STRIPE: ConfigProblem = {
  place: 'STRIPE_SECRET_KEY',
  message: 'must be used with the Stripe build of the Worker',
  example: 'main = "src/worker-stripe.ts"',
}

/** Settings and bindings that are missing beside those that are set. */
export function billProblems(vars: Readonly<Record<string, unknown>>): ConfigProblem[] {
  const lacking = TOGETHER.flatMap((group) => {
    // A registry of sites needs PUBLIC_URL, with billing or without.
    const there = group.find((name) => name !== 'PUBLIC_URL' && vars[name] !== undefined)
    if (there === undefined) return []
    const missing = group.filter((name) => vars[name] === undefined)
    return missing.map((place) => ({
      place,
      message: `must be set when ${there} is set`,
      example: BILL_EXPECTED[place].example,
    }))
  })
  const unbound = vars.SELLER === undefined ? [] : BINDINGS.filter(({ place }) => vars[place] === undefined)
  const withoutCode = vars.STRIPE_SECRET_KEY !== undefined && !stripeCode() ? [WITHOUT_STRIPE] : []
  return [
    ...lacking,
    ...withoutCode,
    ...unbound.map((binding) => ({ ...binding, message: 'must be bound when SELLER is set' })),
  ]
}

/** The billing part of the config. Undefined without SELLER: credit lines are then charged, but not billed. */
export function billConfig(settings: Settings): BillConfig | undefined {
  const { SELLER, OPERATOR_KEY: key, PUBLIC_URL, DUNNING: dunning, TRANSFER_TO: transferTo } = settings
  const { STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_API: api } = settings
  if (!SELLER || !key || !PUBLIC_URL) return undefined
  const { vat, ...party } = SELLER
  return {
    seller: { ...party, ...(vat !== undefined && { vatRate: vat }) },
    key,
    publicUrl: new URL(PUBLIC_URL).origin,
    dunning,
    transferTo,
    stripe:
      STRIPE_SECRET_KEY && STRIPE_WEBHOOK_SECRET
        ? { secretKey: STRIPE_SECRET_KEY, webhookSecret: STRIPE_WEBHOOK_SECRET, api }
        : undefined,
  }
}

function isOrigin(text: string): boolean {
  const { pathname, search, hash } = new URL(text)
  return pathname === '/' && search === '' && hash === ''
}
