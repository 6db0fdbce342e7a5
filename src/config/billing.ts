/** The settings of billing: their shapes, and the part of the config they make. Read by config.ts alone. */
import * as v from 'valibot'
import type { OperatorKey } from '../billing/operator-key.ts'
import type { DunningTerms } from '../ledger/billing/types.ts'
import type { Seller } from '../ledger/billing/vat.ts'
import { integer, shaped, url } from './fields.ts'
import type { Fault } from './problem.ts'
import { readWith, unpack } from './schema.ts'
import { stripeCode } from './stripe-plugin.ts'

export type BillConfig = {
  seller: Seller
  /** Signs statements. */
  key: OperatorKey
  /** Where this Worker is reached, without a slash at the end: the address of pages to pay on. */
  publicUrl: string
  dunning: DunningTerms
  /** For invoices paid by transfer. */
  transferTo: string
  /** Present with WEBHOOK_URL. */
  webhook: { url: string; secret: string } | undefined
  /** Present with STRIPE_SECRET_KEY. */
  stripe: { secretKey: string; webhookSecret: string; api: string | undefined } | undefined
}

export const BILL_WANTS = {
  SELLER:
    'who invoices: { name = "…", country = "DE", address = "…", taxId = "…", email = "…", vat = "19%" }',
  OPERATOR_KEY: 'an Ed25519 private key as a JWK, {"kty":"OKP","crv":"Ed25519","x":"…","d":"…"}',
  PUBLIC_URL: 'the https address of this Worker, without a path',
  DUNNING:
    'days: { net = 14, pastDue = 3, suspended = 10, writtenOff = 90 }, the last three in ascending order',
  TRANSFER_TO: 'where transfers go to, as it stands on invoices; at most 500 characters',
  WEBHOOK_URL: 'the https URL that is told of dunning steps',
  WEBHOOK_SECRET: '16 to 256 printable ASCII characters, which sign what is sent to WEBHOOK_URL',
  STRIPE_SECRET_KEY: 'a secret or restricted key of Stripe, sk_… or rk_…',
  STRIPE_WEBHOOK_SECRET: 'the signing secret of the webhook at /_tab402/stripe, whsec_…',
  STRIPE_API: 'where Stripe’s API is, if not at Stripe',
}

const text = v.pipe(
  v.string('is not a quoted text'),
  v.minLength(1, 'is empty'),
  v.maxLength(200, 'is too long'),
)

const seller = v.pipe(
  v.unknown(),
  v.transform(unpack),
  v.strictObject(
    {
      name: text,
      country: shaped(/^[A-Z]{2}$/, 'is no country code'),
      address: v.exactOptional(v.pipe(v.string('is not a quoted text'), v.maxLength(500, 'is too long'))),
      taxId: v.exactOptional(text),
      email: v.exactOptional(text),
      vat: v.exactOptional(
        readWith((rate) => {
          const [, whole, fraction = ''] = /^(\d{1,2})(?:\.(\d{1,2}))?%$/.exec(rate) ?? []
          return whole === undefined ? 'is no percentage' : { value: +whole * 100 + +fraction.padEnd(2, '0') }
        }),
      ),
    },
    'is no table, or has a key too many',
  ),
)

const key43 = shaped(/^[\w-]{43}$/, 'is no key')

const operatorKey = v.pipe(
  v.unknown(),
  v.transform(unpack),
  v.object(
    {
      kty: v.literal('OKP', 'is another kind of key'),
      crv: v.literal('Ed25519', 'is another curve'),
      x: key43,
      d: key43,
    },
    'is no JWK',
  ),
)

const days = integer(0, 3650)

export const billSettings = {
  SELLER: v.optional(seller),
  OPERATOR_KEY: v.optional(operatorKey),
  PUBLIC_URL: v.optional(
    v.pipe(
      url,
      v.check((text) => isOrigin(text), 'has a path'),
    ),
  ),
  DUNNING: v.optional(
    v.pipe(
      v.unknown(),
      v.transform(unpack),
      v.strictObject(
        {
          net: v.optional(days, 14),
          pastDue: v.optional(days, 3),
          suspended: v.optional(days, 10),
          writtenOff: v.optional(days, 90),
        },
        'is no table, or has a key too many',
      ),
      v.check(
        ({ pastDue, suspended, writtenOff }) => pastDue <= suspended && suspended <= writtenOff,
        'is in no ascending order',
      ),
    ),
    {},
  ),
  TRANSFER_TO: v.optional(v.pipe(v.string('is not a quoted text'), v.maxLength(500, 'is too long')), ''),
  WEBHOOK_URL: v.optional(url),
  WEBHOOK_SECRET: v.optional(shaped(/^[!-~]{16,256}$/, 'is too short, or not printable')),
  STRIPE_SECRET_KEY: v.optional(shaped(/^[sr]k_[!-~]{8,256}$/, 'is no key of Stripe’s')),
  STRIPE_WEBHOOK_SECRET: v.optional(shaped(/^whsec_[!-~]{8,256}$/, 'is no secret of Stripe’s')),
  STRIPE_API: v.optional(url),
}

type Settings = v.InferOutput<v.ObjectSchema<typeof billSettings, undefined>>

/** What is of no use without the rest. Whoever sends invoices has a name, a key and an address. */
const TOGETHER: readonly (readonly (keyof typeof BILL_WANTS)[])[] = [
  ['SELLER', 'OPERATOR_KEY', 'PUBLIC_URL'],
  ['WEBHOOK_URL', 'WEBHOOK_SECRET'],
  ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'],
]

const BINDINGS = [
  { place: 'LINES', want: 'a [[durable_objects.bindings]] of class CreditLine' },
  { place: 'NUMBERS', want: 'a [[durable_objects.bindings]] of class Numbers' },
]

const WITHOUT_STRIPE: Fault = {
  place: 'STRIPE_SECRET_KEY',
  fault: 'is of no use to a build without Stripe',
  want: 'main = "src/worker-stripe.ts" in wrangler.toml',
}

/** What is missing beside what is there. */
export function billFaults(vars: Readonly<Record<string, unknown>>): Fault[] {
  const lacking = TOGETHER.flatMap((group) => {
    const there = group.find((name) => vars[name] !== undefined)
    if (there === undefined) return []
    const missing = group.filter((name) => vars[name] === undefined)
    return missing.map((place) => ({ place, fault: `is missing beside ${there}`, want: BILL_WANTS[place] }))
  })
  const unbound = vars.SELLER === undefined ? [] : BINDINGS.filter(({ place }) => vars[place] === undefined)
  const left = vars.STRIPE_SECRET_KEY !== undefined && !stripeCode() ? [WITHOUT_STRIPE] : []
  return [
    ...lacking,
    ...left,
    ...unbound.map((binding) => ({ ...binding, fault: 'is missing beside SELLER' })),
  ]
}

/** Undefined where nobody is named who sends invoices: lines are charged then, and not billed. */
export function billConfig(settings: Settings): BillConfig | undefined {
  const { SELLER, OPERATOR_KEY: key, PUBLIC_URL, DUNNING: dunning, TRANSFER_TO: transferTo } = settings
  const { WEBHOOK_URL, WEBHOOK_SECRET, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_API: api } = settings
  if (!SELLER || !key || !PUBLIC_URL) return undefined
  const { vat, ...party } = SELLER
  return {
    seller: { ...party, ...(vat !== undefined && { vatRate: vat }) },
    key,
    publicUrl: new URL(PUBLIC_URL).origin,
    dunning,
    transferTo,
    webhook: WEBHOOK_URL && WEBHOOK_SECRET ? { url: WEBHOOK_URL, secret: WEBHOOK_SECRET } : undefined,
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
