/** What an operator sends: bodies, read into what they mean or into every fault they have at once. */
import type { Context } from 'hono'
import * as v from 'valibot'
import { isTable, onlyKeys, read } from '../config/schema.ts'
import { type KeyFault, readKey } from '../identity/jwk.ts'
import { readAgentUrl } from '../identity/signature-agent.ts'
import type { PinnedKey } from '../ledger/credit/agents.ts'
import { parseAmount, parseUsd } from '../protocol/amount.ts'
import { faultsOf, faulty, no } from './response.ts'

/** Bytes. */
export const LARGEST_BODY = 65_536
const MOST_KEYS = 16

const PERIODS = ['daily', 'weekly', 'monthly'] as const
const RAILS = ['stablecoin', 'stripe', 'transfer'] as const

/** What each member should be. */
const WANTS = {
  id: '3 to 40 of a-z, 0-9 and "-", beginning with a letter',
  name: 'one line of text, at most 100 characters',
  url: 'the https URL of the agent’s keys, or of its host, as it signs it; or null',
  keys: 'a JWK Set of 1 to 16 public keys (Ed25519, P-256, RSA), or null',
  creditLimit: 'micro-dollars as a decimal string ("5000000"), or USD with a dollar sign ("$5")',
  probation: 'micro-dollars as a decimal string ("1000000"), or USD with a dollar sign ("$1")',
  period: PERIODS.join(', '),
  rail: RAILS.join(', '),
  tier: 'a tier of CREDIT_TIERS, or null',
  buyer: 'who is invoiced: { "name", "country", "address", "taxId", "email" }',
  country: 'an ISO 3166 country code of two capitals',
  address: 'text of at most 500 characters',
  taxId: 'one line of text, at most 40 characters',
  email: 'an e-mail address, at most 200 characters',
  amount: 'micro-dollars as a decimal string ("5000000"), or USD with a dollar sign ("$5")',
  creditedNet: 'what the invoice says was credited before, in micro-dollars as a decimal string',
  reference: 'what the bank calls the transfer: one line of text, at most 100 characters',
  reason: 'one line of text, at most 200 characters',
  at: 'Unix milliseconds',
}

/** Micro-dollars. */
const amount = read((text) => {
  const value = text.startsWith('$') ? parseUsd(text.slice(1)) : parseAmount(text)
  return value === undefined ? 'is no amount' : { value }
})

const someAmount = v.pipe(
  amount,
  v.check((value) => value > 0n, 'is zero'),
)

function line(most: number) {
  return read((text) => fits(text, /^\P{Cc}+$/u, most))
}

const UNPRINTABLE = 'is empty or has characters that do not print'

function fits(text: string, shape: RegExp, most: number, fault = UNPRINTABLE): { value: string } | string {
  if (!shape.test(text) || !text.trim() || !text.isWellFormed()) return fault
  return text.length <= most ? { value: text } : 'is too long'
}

const URL_FAULTS = {
  not_a_url: 'is no URL',
  not_https: 'is no https URL',
  not_public: 'is no public host: no IP address, port, password, private name or punycode',
}

const url = read((text) => {
  const agent = readAgentUrl(text)
  return 'url' in agent ? { value: agent.url } : URL_FAULTS[agent.fault]
})

const KEY_FAULTS: Record<KeyFault, string> = {
  not_a_key: 'is no key',
  unsupported_key: 'is a key of an unsupported kind',
  private_key: 'is a private key, which must not be used any more',
  public_secret: 'is a key whose secret is known to everybody',
  weak_key: 'is a weak key',
  key_of_another_use: 'is a key for another use',
}

/** A JWK Set (RFC 7517 §5). Every key of it is good, or it is refused. */
const keys = v.pipe(
  v.looseObject({ keys: v.array(v.unknown(), 'is not a list') }, 'is no JWK Set'),
  v.rawTransform<{ keys: unknown[] }, PinnedKey[]>(({ dataset, addIssue, NEVER }) => {
    const { keys: input } = dataset.value
    if (input.length === 0 || input.length > MOST_KEYS) {
      addIssue({ message: input.length === 0 ? 'has no keys' : 'has too many keys' })
      return NEVER
    }
    const pinned = new Map<string, PinnedKey>()
    for (const [key, value] of input.entries()) {
      const known = readKey(value)
      if (typeof known !== 'string') {
        const { keyId, jwk, notBefore, expires } = known
        const times = {
          ...(notBefore !== null && { nbf: notBefore }),
          ...(expires !== null && { exp: expires }),
        }
        pinned.set(keyId, { keyId, jwk: { ...jwk, ...times } })
      } else {
        addIssue({
          message: KEY_FAULTS[known],
          path: [
            { type: 'object', origin: 'value', input: dataset.value, key: 'keys', value: input },
            { type: 'array', origin: 'value', input, key, value },
          ],
        })
      }
    }
    return [...pinned.values()]
  }),
)

const buyer = v.pipe(
  v.looseObject(
    {
      name: line(100),
      country: read((text) => (/^[A-Z]{2}$/.test(text) ? { value: text } : 'is no country code')),
      address: v.exactOptional(read((text) => fits(text, /^[\P{Cc}\n]+$/u, 500))),
      taxId: v.exactOptional(line(40)),
      email: v.exactOptional(
        read((text) => fits(text, /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u, 200, 'is no e-mail address')),
      ),
    },
    'is no table',
  ),
  onlyKeys(['name', 'country', 'address', 'taxId', 'email']),
)

const AGENT = {
  name: line(100),
  url: v.nullable(url),
  keys: v.nullable(keys),
  creditLimit: someAmount,
  probation: amount,
  period: v.picklist(PERIODS, 'is no period'),
  rail: v.picklist(RAILS, 'is no rail'),
  tier: v.nullable(line(40)),
  buyer,
}
const TERMS = Object.keys(AGENT)

/** `POST /api/agents` */
export const newAgent = v.pipe(
  v.looseObject({
    ...AGENT,
    id: v.exactOptional(read((text) => (isAgentId(text) ? { value: text } : 'is no id'))),
    url: v.optional(AGENT.url, null),
    keys: v.optional(AGENT.keys, null),
    probation: v.exactOptional(AGENT.probation),
    tier: v.optional(AGENT.tier, null),
  }),
  onlyKeys(['id', ...TERMS]),
  v.forward(
    v.partialCheck(
      [['url'], ['keys']],
      ({ url, keys }) => url !== null || keys !== null,
      'is missing, and so are keys',
    ),
    ['url'],
  ),
)

/** `PATCH /api/agents/:id` */
export const agentChange = v.pipe(
  v.looseObject({
    name: v.exactOptional(AGENT.name),
    url: v.exactOptional(AGENT.url),
    keys: v.exactOptional(AGENT.keys),
    creditLimit: v.exactOptional(AGENT.creditLimit),
    probation: v.exactOptional(AGENT.probation),
    period: v.exactOptional(AGENT.period),
    rail: v.exactOptional(AGENT.rail),
    tier: v.exactOptional(AGENT.tier),
    buyer: v.exactOptional(AGENT.buyer),
  }),
  onlyKeys(TERMS),
)

/** `POST /api/agents/:id/suspend` */
export const suspension = v.pipe(v.looseObject({ reason: line(200) }), onlyKeys(['reason']))

const time = v.pipe(
  v.number('is no number'),
  v.integer('is no whole number'),
  v.minValue(0, 'is no time'),
  v.maxValue(8.64e15, 'is no time'),
)

/** `POST /api/invoices/:id/payments` */
export const transfer = v.pipe(
  v.looseObject({
    amount: v.exactOptional(someAmount),
    reference: line(100),
    at: v.exactOptional(time),
  }),
  onlyKeys(['amount', 'reference', 'at']),
)

/** `POST /api/invoices/:id/returns` */
export const returned = v.pipe(
  v.looseObject({ reference: line(100), reason: line(200), at: v.exactOptional(time) }),
  onlyKeys(['reference', 'reason', 'at']),
)

/** `POST /api/invoices/:id/credit-notes` */
export const correction = v.pipe(
  v.looseObject({ amount: someAmount, reason: line(200), creditedNet: v.optional(amount, '0') }),
  onlyKeys(['amount', 'reason', 'creditedNet']),
)

/** An id of an agent. Never one of a channel or of a payer. */
export function isAgentId(text: string): boolean {
  return /^[a-z][a-z0-9-]{2,39}$/.test(text)
}

/** The body of a request, read by its schema; or the answer that says all that is wrong with it. */
export async function formOf<Schema extends v.GenericSchema>(
  c: Context,
  schema: Schema,
): Promise<v.InferOutput<Schema> | Response> {
  const body = parse(await c.req.text())
  if (!isTable(body) || Array.isArray(body)) return no(400, 'not_a_json_object')
  const form = v.safeParse(schema, body)
  return form.success ? form.output : faulty(faultsOf(form.issues, WANTS))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
