/** Bodies that an operator sends: their shapes, stated once. The OpenAPI document is made from these schemas. */
import type { Context } from 'hono'
import * as v from 'valibot'
import { type KeyFault, readKey } from '../identity/jwk.ts'
import { readAgentUrl } from '../identity/signature-agent.ts'
import { RAIL_NAMES } from '../ledger/billing/types.ts'
import { KIND } from '../ledger/book/accounts.ts'
import type { PinnedKey } from '../ledger/credit/agent.ts'
import { parseAmount, parseUsd } from '../protocol/amount.ts'
import { closed, isObject, UNKNOWN_MEMBER } from './closed-object.ts'
import type { RequestError } from './problem.ts'
import { EXPECTED, PERIODS } from './request-words.ts'
import { invalid, problem } from './response.ts'

/** The most bytes of a body. The API answers 413 to a longer one. */
export const MAX_BODY_BYTES = 65_536
/** The most bytes of a site's document. The API answers 413 to a longer one. */
export const MAX_DOCUMENT_BYTES = 1_048_576

const MAX_KEYS = 16
const AGENT_ID = /^[a-z][a-z0-9-]{2,39}$/
const AMOUNT = /^((0|[1-9][0-9]{0,38})|\$(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?)$/

const MUST_BE_STRING = 'must be a string'

function amount(name: keyof typeof EXPECTED) {
  return v.pipe(
    v.string(MUST_BE_STRING),
    v.regex(AMOUNT, 'must be an amount'),
    v.description(EXPECTED[name]),
    v.rawTransform<string, bigint>(({ dataset: { value: text }, addIssue, NEVER }) => {
      const value = text.startsWith('$') ? parseUsd(text.slice(1)) : parseAmount(text)
      if (value !== undefined) return value
      addIssue({ message: 'must be an amount' })
      return NEVER
    }),
  )
}

function positiveAmount(name: keyof typeof EXPECTED) {
  return v.pipe(
    amount(name),
    v.check((value) => value > 0n, 'must be above zero'),
  )
}

/** Text of one shape. Reports its first error only: an empty text is not also of the wrong shape. */
function text(name: keyof typeof EXPECTED, most: number, shape = /^\P{Cc}+$/u, message = PRINTABLE) {
  const schema = v.pipe(
    v.string(MUST_BE_STRING),
    v.minLength(1, 'must not be empty'),
    v.maxLength(most, `must be at most ${most} characters`),
    v.regex(shape, message),
    v.check((value) => value.trim() !== '' && value.isWellFormed(), message),
    v.description(EXPECTED[name]),
  )
  return v.config(schema, { abortPipeEarly: true })
}

const PRINTABLE = 'must be text that can be printed'

const URL_ERRORS = {
  not_a_url: 'must be a URL',
  not_https: 'must be an https URL',
  not_public: 'must name a public host: not an IP address, port, password, private name or punycode',
}

const url = v.pipe(
  v.string(MUST_BE_STRING),
  v.description(EXPECTED.url),
  v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
    const agent = readAgentUrl(dataset.value)
    if ('url' in agent) return agent.url
    addIssue({ message: URL_ERRORS[agent.fault] })
    return NEVER
  }),
)

const KEY_ERRORS: Record<KeyFault, string> = {
  not_a_key: 'must be a JWK',
  unsupported_key: 'must be of a supported kind',
  private_key: 'must be a public key. This private key was sent in the clear: replace it',
  public_secret: 'must not be a key whose private half is published',
  weak_key: 'must be a stronger key',
  key_of_another_use: 'must be a key for signatures',
}

const keyList = v.pipe(
  v.array(v.unknown(), 'must be a list'),
  v.minLength(1, 'must have a key'),
  v.maxLength(MAX_KEYS, `must have at most ${MAX_KEYS} keys`),
)

/** A JWK Set (RFC 7517 §5). One unusable key is an error of the request. */
const keys = v.pipe(
  v.looseObject({ keys: v.config(keyList, { abortPipeEarly: true }) }, 'must be a JWK Set'),
  v.description(EXPECTED.keys),
  v.rawTransform<{ keys: unknown[] }, PinnedKey[]>(({ dataset, addIssue, NEVER }) => {
    const { keys: input } = dataset.value
    const pinned = new Map<string, PinnedKey>()
    let isFlawed = false
    for (const [key, value] of input.entries()) {
      const known = readKey(value)
      if (typeof known === 'string') {
        isFlawed = true
        const at = {
          type: 'object',
          origin: 'value',
          input: dataset.value,
          key: 'keys',
          value: input,
        } as const
        const item = { type: 'array', origin: 'value', input, key, value } as const
        addIssue({ message: KEY_ERRORS[known], path: [at, item] })
      } else {
        const { keyId, jwk, notBefore, expires } = known
        const times = {
          ...(notBefore !== null && { nbf: notBefore }),
          ...(expires !== null && { exp: expires }),
        }
        pinned.set(keyId, { keyId, jwk: { ...jwk, ...times } })
      }
    }
    return isFlawed ? NEVER : [...pinned.values()]
  }),
)

const EMAIL = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u

const buyer = v.pipe(
  closed({
    name: text('name', 100),
    country: v.pipe(
      v.string(MUST_BE_STRING),
      v.regex(/^[A-Z]{2}$/, 'must be a country code'),
      v.description(EXPECTED.country),
    ),
    address: v.exactOptional(text('address', 500, /^[\P{Cc}\n]+$/u)),
    taxId: v.exactOptional(text('taxId', 40)),
    email: v.exactOptional(text('email', 200, EMAIL, 'must be an e-mail address')),
  }),
  v.description(EXPECTED.buyer),
)

const AGENT = {
  name: text('name', 100),
  url: v.nullable(url),
  keys: v.nullable(keys),
  creditLimit: positiveAmount('creditLimit'),
  probation: amount('probation'),
  period: v.picklist(PERIODS, 'must be a period'),
  rail: v.picklist(RAIL_NAMES, 'must be a rail'),
  tier: v.nullable(text('tier', 40)),
  buyer,
}

/** The error of an agent that a signature could not be traced to. */
export const UNIDENTIFIED: RequestError = {
  path: 'url',
  message: 'must be given when `keys` is not',
  expected: EXPECTED.url,
}

/** `POST /api/agents` */
export const newAgent = v.pipe(
  closed({
    id: v.exactOptional(
      v.pipe(v.string(MUST_BE_STRING), v.regex(AGENT_ID, 'must be an id'), v.description(EXPECTED.id)),
    ),
    ...AGENT,
    url: v.optional(AGENT.url, null),
    keys: v.optional(AGENT.keys, null),
    probation: v.exactOptional(AGENT.probation),
    tier: v.optional(AGENT.tier, null),
  }),
  v.forward(
    v.partialCheck(
      [['url'], ['keys']],
      ({ url, keys }) => url !== null || keys !== null,
      UNIDENTIFIED.message,
    ),
    ['url'],
  ),
)

/** `PATCH /api/agents/:id` */
export const agentChange = closed({
  name: v.exactOptional(AGENT.name),
  url: v.exactOptional(AGENT.url),
  keys: v.exactOptional(AGENT.keys),
  creditLimit: v.exactOptional(AGENT.creditLimit),
  probation: v.exactOptional(AGENT.probation),
  period: v.exactOptional(AGENT.period),
  rail: v.exactOptional(AGENT.rail),
  tier: v.exactOptional(AGENT.tier),
  buyer: v.exactOptional(AGENT.buyer),
})

/** `POST /api/agents/:id/suspend` */
export const suspension = closed({ reason: text('reason', 200) })

/** `POST /api/accounts/:id/release` */
export const holdRelease = closed({ reason: text('reason', 200) })

const MAX_TIME_MS = 8.64e15

const time = v.config(
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(0, 'must be 0 or later'),
    v.maxValue(MAX_TIME_MS, 'must be a time'),
    v.description(EXPECTED.at),
  ),
  { abortPipeEarly: true },
)

/** `POST /api/invoices/:id/payments` */
export const transfer = closed({
  amount: v.exactOptional(positiveAmount('amount')),
  reference: text('reference', 100),
  at: v.exactOptional(time),
})

/** `POST /api/invoices/:id/returns` */
export const returned = closed({
  reference: text('reference', 100),
  reason: text('reason', 200),
  at: v.exactOptional(time),
})

/** `POST /api/invoices/:id/credit-notes` */
export const correction = closed({
  amount: positiveAmount('amount'),
  reason: text('reason', 200),
  creditedNet: v.optional(amount('creditedNet'), '0'),
})

/** `POST /api/export` */
export const exported = closed({
  list: text('list', 100),
  query: v.optional(v.pipe(v.string(MUST_BE_STRING), v.maxLength(2_000)), ''),
})

/** The longest mute: thirty days. */
const MAX_MUTE_HOURS = 720

/** `POST /api/alerts/:id/mute` */
export const muting = closed({
  hours: v.config(
    v.pipe(
      v.number('must be a number'),
      v.integer('must be a whole number'),
      v.minValue(0, 'must be 0 or more'),
      v.maxValue(MAX_MUTE_HOURS, 'must be at most 720'),
      v.description(EXPECTED.hours),
    ),
    { abortPipeEarly: true },
  ),
})

const MAX_OBJECTS = 100

/** `POST /api/book` */
export const rebuild = closed({
  kind: v.pipe(v.picklist(Object.values(KIND), 'must be a kind of account'), v.description(EXPECTED.kind)),
  objects: v.pipe(
    v.array(
      v.pipe(v.string(MUST_BE_STRING), v.regex(/^[0-9a-f]{64}$/, 'must be an object id')),
      'must be a list',
    ),
    v.minLength(1, 'must have an id'),
    v.maxLength(MAX_OBJECTS, `must have at most ${MAX_OBJECTS} ids`),
    v.description(EXPECTED.objects),
  ),
})

/** `POST /api/sites/:id/publish`, and other acts that make a version. */
export const noted = closed({ note: v.exactOptional(text('note', 500)) })

/** `POST /api/sites/:id/revert` */
export const reverted = closed({
  version: v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(1, 'must be 1 or more'),
    v.description(EXPECTED.version),
  ),
  note: v.exactOptional(text('note', 500)),
})

/** `POST /api/sites/:id/proofs` */
export const vouched = closed({ host: text('host', 253) })

/** `POST /api/sites/:id/check` */
export const probe = closed({
  path: v.optional(text('path', 1000, /^\/[!-~]*$/, 'must be a path that begins with "/"'), '/'),
})

/** The error of an id that belongs to another class of object. */
export const invalidObject: RequestError = {
  path: 'objects',
  message: 'must be ids of this kind',
  expected: EXPECTED.objects,
}

/** The bodies by the names that the OpenAPI document gives them. */
export const BODIES = {
  NewAgent: newAgent,
  AgentChange: agentChange,
  Suspension: suspension,
  Release: holdRelease,
  Transfer: transfer,
  Returned: returned,
  Correction: correction,
  Rebuild: rebuild,
  Mute: muting,
  Exported: exported,
  Note: noted,
  Revert: reverted,
  Vouched: vouched,
  Probe: probe,
}

/** Whether a text is the id of an agent. Ids of channels and payers have other shapes. */
export function isAgentId(text: string): boolean {
  return AGENT_ID.test(text)
}

/** Reads the body of a request by its schema, or returns the 400 response with all errors. `expected`: of each member. */
export async function formOf<Schema extends v.GenericSchema>(
  c: Context,
  schema: Schema,
  expected: Readonly<Record<string, string>> = EXPECTED,
): Promise<v.InferOutput<Schema> | Response> {
  const body = parse(await c.req.text())
  if (!isObject(body) || Array.isArray(body)) return problem('not_a_json_object')
  const form = v.safeParse(schema, body)
  return form.success ? form.output : invalid(form.issues.map((issue) => errorOf(issue, expected)))
}

function errorOf(
  { path, kind, received, message, expected }: v.BaseIssue<unknown>,
  members: Readonly<Record<string, string>>,
): RequestError {
  const keys = (path ?? []).map((item) => item.key)
  const name = keys.findLast((key) => typeof key === 'string' && Object.hasOwn(members, key))
  const isMissing = kind === 'schema' && received === 'undefined'
  return {
    path: pathOf(keys),
    message: isMissing ? 'must be given' : message,
    expected: message === UNKNOWN_MEMBER || !name ? (expected ?? '') : (members[String(name)] ?? ''),
  }
}

/** `keys.keys[0]`. A name of the sender's own is cut to 40 characters that can be printed. */
function pathOf(keys: readonly unknown[]): string {
  const steps = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, 40)}`))
  return steps
    .join('')
    .slice(1)
    .replace(/\p{Cc}/gu, '?')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
