/** The shapes of the API's bodies, as JSON Schema (2020-12). Tests check real responses against them. */

import { toJsonSchema } from '@valibot/to-json-schema'
import type * as v from 'valibot'
import { RAIL_NAMES } from '../ledger/billing/types.ts'
import { KIND } from '../ledger/book/accounts.ts'
import { PROBLEMS } from './problem.ts'
import { BODIES } from './requests.ts'

/** A JSON Schema, or another object of the OpenAPI document. */
export type Schema = { readonly [keyword: string]: unknown }

/** Refers to one of the named {@link schemas}. */
export const ref = (name: keyof typeof schemas): Schema => ({ $ref: `#/components/schemas/${name}` })

const text: Schema = { type: 'string' }
const flag: Schema = { type: 'boolean' }
const count: Schema = { type: 'integer', minimum: 0 }
const none: Schema = { type: 'null' }
const hex: Schema = { type: 'string', pattern: '^0x[0-9a-f]*$' }
const day: Schema = { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }
const moment: Schema = { type: 'string', format: 'date-time' }
const time: Schema = { type: 'integer', minimum: 0, description: 'Unix milliseconds' }
const amount: Schema = {
  type: 'string',
  pattern: '^(0|[1-9][0-9]{0,38})$',
  description: 'Micro-dollars, or atomic units of USDC, which are the same',
}
const signedAmount: Schema = { ...amount, pattern: '^(0|-?[1-9][0-9]{0,38})$' }
const line = (maxLength: number): Schema => ({ type: 'string', minLength: 1, maxLength })
const word = (...words: string[]): Schema => ({ enum: words })
const list = (items: Schema): Schema => ({ type: 'array', items })
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, none] })
const either = (...shapes: Schema[]): Schema => ({ anyOf: shapes })

/** An object with exactly these members. All are required, except those in `optional`. */
function table(properties: Record<string, Schema>, ...optional: string[]): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false }
}

const page = (name: string, items: Schema, next: Schema): Schema =>
  table({ [name]: list(items), next: orNull(next) })
const all = (...properties: string[]) => properties

const period = word('daily', 'weekly', 'monthly')
const rail = word(...RAIL_NAMES)
/** The stages of an invoice. */
export const stage = word('open', 'due', 'past_due', 'suspended', 'written_off', 'settled')
const span = table({ id: text, from: time, to: time })
const totals = { authorized: amount, charged: amount, redeemed: amount, credit: amount }
const jwkSet = table({ keys: list({ type: 'object', required: ['kty'] }) })

const party = table(
  {
    name: line(100),
    country: { type: 'string', pattern: '^[A-Z]{2}$' },
    address: line(500),
    taxId: line(40),
    email: line(200),
  },
  ...all('address', 'taxId', 'email'),
)

const terms = { period, rail, tier: orNull(line(40)), buyer: party }

const agent = {
  id: text,
  name: text,
  url: orNull(text),
  keys: orNull(jwkSet),
  creditLimit: amount,
  probation: amount,
  ...terms,
  suspended: orNull(text),
  createdAt: time,
  version: count,
}

const balance = table({
  status: word('open', 'credit_suspended', 'credit_unpaid'),
  limit: amount,
  charged: amount,
  redeemed: amount,
  owed: amount,
  credit: amount,
  available: amount,
})

const document = { type: 'object', description: 'The document of the entry: terms, an invoice, a payment, …' }
const evidence = table({ keyId: text, algorithm: text, signature: text, base: text })
const lineEntry = table(
  {
    seq: count,
    at: time,
    kind: text,
    id: text,
    amount,
    ...totals,
    ceiling: amount,
    attempt: count,
    iou: orNull(text),
    request: orNull(text),
    site: orNull(text),
    rule: orNull(text),
    of: orNull(count),
    document,
    evidence,
  },
  ...all('document', 'evidence'),
)

const channelEntry = table(
  {
    seq: count,
    at: time,
    kind: word('open', 'charge', 'replay', 'release', 'deposit', 'refund', 'chain', 'quarantine'),
    id: text,
    amount,
    ...totals,
    ceiling: amount,
    max: orNull(amount),
    signature: orNull(hex),
    request: orNull(text),
    transaction: orNull(hex),
    of: orNull(count),
  },
  'signature',
)

const channelConfig = table({
  payer: hex,
  payerAuthorizer: hex,
  receiver: hex,
  receiverAuthorizer: hex,
  token: hex,
  withdrawDelay: count,
  salt: hex,
})

const channelState = table({
  balance: amount,
  totalClaimed: amount,
  withdrawRequestedAt: count,
  withdrawAmount: amount,
  refundNonce: amount,
  block: amount,
})

const channelStanding = table(
  {
    ...totals,
    channelId: hex,
    config: channelConfig,
    signature: hex,
    state: channelState,
    quarantine: orNull(text),
    unresolved: orNull(table({ kind: word('deposit', 'refund'), id: text, since: time })),
  },
  'signature',
)

const nonces = list(table({ first: count, last: count, at: time }))

const payment = table(
  {
    id: text,
    status: word('taken', 'doubtful', 'settled', 'undelivered', 'released'),
    at: orNull(time),
    amount,
    request: text,
    transaction: orNull(hex),
    signature: hex,
  },
  'signature',
)

const listing = table(
  {
    id: text,
    kind: word(...Object.values(KIND)),
    payer: hex,
    receiver: hex,
    token: hex,
    name: text,
    openedAt: time,
    totals: orNull(table({ authorized: amount, charged: amount, redeemed: amount, ceiling: amount })),
    quarantine: orNull(text),
    closed: orNull(text),
    updatedAt: orNull(time),
  },
  ...all('payer', 'receiver', 'token', 'name', 'quarantine', 'closed'),
)

const statementHead = {
  period: span,
  first: count,
  last: count,
  total: signedAmount,
  root: hex,
  closedAt: time,
  name: text,
}

const statementDocument = table({
  type: word('tab402/statement/1'),
  operator: text,
  agent: table({ id: text, name: text }),
  period: table({ id: text, from: moment, to: moment }),
  currency: word('USD'),
  unit: word('micro-dollar'),
  entries: table({ first: count, last: count, root: hex }),
  lines: list(table({ day, site: text, rule: text, charges: count, releases: count, amount: signedAmount })),
  total: signedAmount,
})

const statedEntry = table({
  seq: count,
  at: time,
  kind: text,
  id: text,
  amount,
  site: orNull(text),
  rule: orNull(text),
  request: orNull(text),
  iou: orNull(text),
  of: orNull(count),
})

const presented = table({ reference: text, url: orNull(text), instructions: orNull(text) })

const invoice = {
  id: text,
  number: count,
  agent: text,
  periods: list(text),
  from: time,
  to: time,
  issuedAt: time,
  dueAt: time,
  seller: party,
  buyer: party,
  rail,
  charged: signedAmount,
  carriedIn: amount,
  carriedOut: amount,
  net: amount,
  vat: table({
    rate: { ...count, description: 'Hundredths of a percent' },
    treatment: word('standard', 'reverse_charge', 'outside_scope'),
    amount,
  }),
  total: amount,
  presented: orNull(presented),
  paid: signedAmount,
  credited: amount,
  creditedNet: amount,
  failedAt: orNull(time),
  stage,
  owed: amount,
}

const happening = table({
  kind: word('presented', 'credit_note', 'payment', 'reversal', 'failure', 'stage'),
  seq: count,
  at: time,
  document,
})

const run = table({
  id: text,
  kind: word('settlement', 'watch'),
  status: word('running', 'settled', 'in_doubt', 'failed'),
  startedAt: time,
  endedAt: orNull(time),
  record: { type: 'object', description: 'Findings and sums of the run. They grow while the run goes on' },
})

const engine = {
  type: 'object',
  description: 'The status of the Workflow instance, while Cloudflare keeps it',
}

/** A body's schema, made from the valibot schema that reads it. */
function bodyOf(name: keyof typeof BODIES): Schema {
  const { $schema: _, ...schema } = toJsonSchema(BODIES[name] as v.GenericSchema, {
    target: 'draft-2020-12',
    typeMode: 'input',
    // JSON Schema cannot express checks in code. The description of the member states them.
    errorMode: 'ignore',
    // An object with a raw check has no other members: see `closed` in requests.ts.
    overrideAction: ({ valibotAction, jsonSchema }) =>
      valibotAction.type === 'raw_check' ? { ...jsonSchema, additionalProperties: false } : null,
  })
  return schema as Schema
}

/** The named schemas of the OpenAPI document. */
export const schemas = {
  Problem: {
    type: 'object',
    description: 'An error (RFC 9457). Some codes add members, such as `creditable`',
    properties: {
      type: { type: 'string', format: 'uri-reference' },
      title: text,
      status: count,
      detail: text,
      code: word(...Object.keys(PROBLEMS)),
      errors: list(table({ path: text, message: text, expected: text })),
      reason: { type: 'string', description: 'Why a signature was rejected (401, 503)' },
    },
    required: ['type', 'title', 'status', 'detail', 'code'],
  },
  NewAgent: bodyOf('NewAgent'),
  AgentChange: bodyOf('AgentChange'),
  Agent: table(agent),
  Agents: page('agents', table(agent), text),
  Suspension: bodyOf('Suspension'),
  Accounts: page('accounts', listing, text),
  Account: either(
    table({
      id: text,
      kind: word(KIND.credit),
      name: text,
      openedAt: time,
      standing: balance,
      entries: list(lineEntry),
      next: orNull(count),
    }),
    table({
      id: text,
      kind: word(KIND.channel),
      standing: channelStanding,
      entries: list(channelEntry),
      next: orNull(count),
    }),
    table({
      id: text,
      kind: word(KIND.exact),
      totals: table({ payments: count, received: amount, inDoubt: count, undelivered: count }),
      payments: list(payment),
      next: orNull(text),
    }),
  ),
  Entries: page('entries', lineEntry, count),
  Statements: page('statements', table({ ...statementHead, agent: text }), text),
  OwnStatements: table({ statements: list(table(statementHead)) }),
  Statement: table({
    statement: statementDocument,
    signature: table({ algorithm: word('Ed25519'), keyId: text, value: text }),
  }),
  Proof: table({ entry: statedEntry, index: count, size: count, path: list(hex) }),
  Invoices: page('invoices', table(invoice), count),
  OwnInvoices: table({ invoices: list(table(invoice)) }),
  Invoice: table({ ...invoice, history: list(happening) }, 'history'),
  Transfer: bodyOf('Transfer'),
  Returned: bodyOf('Returned'),
  Correction: bodyOf('Correction'),
  Corrected: table({ creditNote: text, invoice: table(invoice) }),
  Started: table({ id: text, started: flag }),
  Reread: table({ id: hex, standing: channelStanding }),
  Relayer: table({
    address: hex,
    mined: orNull(count),
    next: count,
    open: count,
    missing: nonces,
    taken: nonces,
    filled: nonces,
  }),
  Run: table({ run: orNull(run), workflow: orNull(engine) }),
  Runs: table({ runs: list(run) }),
  Acts: page(
    'acts',
    table({
      seq: count,
      at: time,
      who: text,
      what: text,
      subject: text,
      before: orNull({ type: 'object' }),
      after: orNull({ type: 'object' }),
    }),
    count,
  ),
  Me: table({
    agent: table({ id: text, name: text }),
    balance,
    terms: table({ creditLimit: amount, probation: amount, ...terms }),
    openedAt: time,
  }),
  Keys: jwkSet,
} satisfies Record<string, Schema>
