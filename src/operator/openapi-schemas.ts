/** The shapes of the API's bodies, as JSON Schema (2020-12). Tests check real responses against them. */

import { RAIL_NAMES } from '../ledger/billing/types.ts'
import { KIND } from '../ledger/book/accounts.ts'
import { jsonSchemaOf } from './body-schema.ts'
import {
  all,
  amount,
  count,
  day,
  either,
  flag,
  hex,
  line,
  listOf,
  moment,
  orNull,
  pageOf,
  type Schema,
  signedAmount,
  table,
  text,
  time,
  word,
} from './json-schema.ts'
import { channelEntry, channelStanding, payment } from './openapi-accounts.ts'
import { alert, alertList, tested } from './openapi-alerts.ts'
import { explanation } from './openapi-explain.ts'
import { figures, health, shadowDay } from './openapi-figures.ts'
import { peopleSchemas } from './openapi-people-schemas.ts'
import { relayer } from './openapi-relayer.ts'
import { hold, screeningSchemas } from './openapi-screening.ts'
import { siteSchemas } from './openapi-site-schemas.ts'
import { PROBLEMS } from './problem.ts'
import { BODIES } from './requests.ts'

/** Refers to one of the named {@link schemas}. */
export const ref = (name: keyof typeof schemas): Schema => ({ $ref: `#/components/schemas/${name}` })

const period = word('daily', 'weekly', 'monthly')
const rail = word(...RAIL_NAMES)
/** The stages of an invoice. */
export const stage = word('open', 'due', 'past_due', 'suspended', 'written_off', 'settled')
const span = table({ id: text, from: time, to: time })
const totals = { authorized: amount, charged: amount, redeemed: amount, credit: amount }
const jwkSet = table({ keys: listOf({ type: 'object', required: ['kty'] }) })

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
  authorized: amount,
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
    policy: orNull(count),
    who: orNull(text),
    of: orNull(count),
    document,
    evidence,
  },
  ...all('document', 'evidence'),
)

const listing = table(
  {
    id: text,
    kind: word(...Object.values(KIND)),
    payer: hex,
    receiver: hex,
    token: hex,
    network: orNull(text),
    name: text,
    openedAt: time,
    totals: orNull(table({ authorized: amount, charged: amount, redeemed: amount, ceiling: amount })),
    quarantine: orNull(text),
    closed: orNull(text),
    updatedAt: orNull(time),
  },
  ...all('payer', 'receiver', 'token', 'network', 'name', 'quarantine', 'closed'),
)

const statementHead = {
  period: span,
  first: count,
  last: count,
  total: signedAmount,
  root: hex,
  closedAt: time,
  name: text,
  form: { enum: [1, 2] },
}

const statementLine = table(
  {
    day,
    site: text,
    rule: text,
    policy: orNull(count),
    who: orNull(text),
    charges: count,
    releases: count,
    amount: signedAmount,
  },
  'policy',
  'who',
)

const statementDocument = table({
  type: word('tab402/statement/1', 'tab402/statement/2'),
  operator: text,
  agent: table({ id: text, name: text }),
  period: table({ id: text, from: moment, to: moment }),
  currency: word('USD'),
  unit: word('micro-dollar'),
  entries: table({ first: count, last: count, root: hex }),
  lines: listOf(statementLine),
  total: signedAmount,
})

const statedEntry = table(
  {
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
    policy: orNull(count),
    who: orNull(text),
  },
  'policy',
  'who',
)

const presented = table({ reference: text, url: orNull(text), instructions: orNull(text) })

const invoice = {
  id: text,
  number: count,
  agent: text,
  periods: listOf(text),
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
  kind: word('settlement', 'billing', 'shadow', 'watch'),
  status: word('running', 'settled', 'in_doubt', 'failed', 'abandoned'),
  startedAt: time,
  endedAt: orNull(time),
  record: { type: 'object', description: 'Findings and sums of the run. They grow while the run goes on' },
})

const engine = {
  type: 'object',
  description: 'The status of the Workflow instance, while Cloudflare keeps it',
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
      errors: listOf(table({ path: text, message: text, expected: text })),
      reason: { type: 'string', description: 'Why a signature was rejected (401, 503)' },
    },
    required: ['type', 'title', 'status', 'detail', 'code'],
  },
  NewAgent: jsonSchemaOf(BODIES.NewAgent),
  Rebuild: jsonSchemaOf(BODIES.Rebuild),
  Mute: jsonSchemaOf(BODIES.Mute),
  Alert: alert,
  Alerts: alertList,
  Tested: tested,
  AgentChange: jsonSchemaOf(BODIES.AgentChange),
  Agent: table(agent),
  Agents: pageOf('agents', table(agent), text),
  Suspension: jsonSchemaOf(BODIES.Suspension),
  Release: jsonSchemaOf(BODIES.Release),
  ...screeningSchemas,
  ...peopleSchemas,
  Accounts: pageOf('accounts', listing, text),
  Account: either(
    table({
      id: text,
      kind: word(KIND.credit),
      name: text,
      openedAt: time,
      standing: balance,
      entries: listOf(lineEntry),
      next: orNull(count),
    }),
    table({
      id: text,
      kind: word(KIND.channel),
      network: orNull(text),
      standing: channelStanding,
      entries: listOf(channelEntry),
      next: orNull(count),
    }),
    table(
      {
        id: text,
        kind: word(KIND.exact),
        totals: table({
          payments: count,
          received: amount,
          inDoubt: count,
          undelivered: count,
          watched: count,
          provisional: count,
          lost: count,
        }),
        hold,
        payments: listOf(payment),
        next: orNull(text),
      },
      'hold',
    ),
  ),
  Entries: pageOf('entries', lineEntry, count),
  Statements: pageOf(
    'statements',
    table({ ...statementHead, agent: text, lines: listOf(statementLine) }, 'form', 'lines'),
    text,
  ),
  OwnStatements: table({ statements: listOf(table(statementHead, 'form')) }),
  Statement: table({
    statement: statementDocument,
    signature: table({ algorithm: word('Ed25519'), keyId: text, value: text }),
  }),
  Proof: table({ entry: statedEntry, index: count, size: count, path: listOf(hex) }),
  Invoices: pageOf('invoices', table(invoice), either(count, text)),
  OwnInvoices: table({ invoices: listOf(table(invoice)) }),
  Invoice: table({ ...invoice, history: listOf(happening) }, 'history'),
  Transfer: jsonSchemaOf(BODIES.Transfer),
  Returned: jsonSchemaOf(BODIES.Returned),
  Correction: jsonSchemaOf(BODIES.Correction),
  Corrected: table({ creditNote: text, invoice: table(invoice) }),
  Exported: jsonSchemaOf(BODIES.Exported),
  Exporting: table({ list: text }),
  Rebuilt: table({ listed: count, empty: count, silent: count }),
  // A site with nothing to settle or bill starts no run.
  Started: table(
    { id: text, started: flag, runs: listOf(table({ id: text, started: flag })) },
    'id',
    'started',
  ),
  Lifted: table({ id: hex, quarantine: { type: 'null' } }),
  Reread: table({ id: hex, standing: channelStanding }),
  Totals: table({
    owed: table({
      channel: amount,
      credit: amount,
      accounts: count,
      withdrawing: amount,
      stopped: amount,
      late: amount,
      asOf: orNull(time),
    }),
    receipts: listOf(table({ day: time, kind: word(...Object.values(KIND)), received: signedAmount })),
    since: orNull(time),
  }),
  Relayer: relayer,
  Doctor: table({
    version: text,
    at: time,
    outcome: word('ok', 'warn', 'fail'),
    checks: listOf(
      table({ id: text, title: text, outcome: word('ok', 'warn', 'fail'), reason: text, fix: orNull(text) }),
    ),
  }),
  SignInCode: table({ code: text, expiresAt: time }),
  Explanation: explanation,
  Run: table({ run: orNull(run), workflow: orNull(engine) }),
  Runs: pageOf('runs', run, text),
  Figures: figures,
  Health: health,
  ShadowDay: shadowDay,
  Acts: pageOf(
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
  KeyState: table({ at: time, status: orNull(count), act: orNull(count) }),
  Me: table({
    agent: table({ id: text, name: text }),
    balance,
    terms: table({ creditLimit: amount, probation: amount, ...terms }),
    openedAt: time,
  }),
  Keys: jwkSet,
  ...siteSchemas,
  Note: jsonSchemaOf(BODIES.Note),
  Revert: jsonSchemaOf(BODIES.Revert),
  Vouched: jsonSchemaOf(BODIES.Vouched),
  Probe: jsonSchemaOf(BODIES.Probe),
} satisfies Record<string, Schema>
