/** The shapes of the API's bodies, as JSON Schema (2020-12). Data; a test holds real answers against them. */

export type Schema = { readonly [keyword: string]: unknown }

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
const someAmount: Schema = {
  type: 'string',
  pattern: '^((0|[1-9][0-9]{0,38})|\\$(0|[1-9][0-9]{0,11})(\\.[0-9]{1,6})?)$',
  description: 'Micro-dollars ("5000000"), or USD with a dollar sign ("$5")',
}

const line = (maxLength: number): Schema => ({ type: 'string', minLength: 1, maxLength })
const word = (...words: string[]): Schema => ({ enum: words })
const list = (items: Schema): Schema => ({ type: 'array', items })
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, none] })
const either = (...shapes: Schema[]): Schema => ({ anyOf: shapes })

/** A table with these members and no others; all of them, but for those named. */
function table(properties: Record<string, Schema>, ...optional: string[]): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false }
}

const page = (name: string, items: Schema, next: Schema): Schema =>
  table({ [name]: list(items), next: orNull(next) })
const all = (...properties: string[]) => properties

const period = word('daily', 'weekly', 'monthly')
const rail = word('stablecoin', 'stripe', 'transfer')
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

const agentForm = {
  name: line(100),
  url: orNull({ type: 'string', format: 'uri' }),
  keys: orNull(jwkSet),
  creditLimit: someAmount,
  probation: someAmount,
  ...terms,
}

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

const document = { type: 'object', description: 'What the entry notes: terms, an invoice, a payment, …' }
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
    kind: word('channel', 'exact', 'credit'),
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
  record: { type: 'object', description: 'What it found and moved: it grows while the run is under way' },
})

const engine = {
  type: 'object',
  description: 'What the Workflow says of itself, as long as it is remembered',
}

export const schemas = {
  Refusal: {
    type: 'object',
    properties: {
      error: text,
      faults: list(table({ place: text, fault: text, want: text })),
    },
    required: ['error'],
  },
  NewAgent: table(
    { id: { type: 'string', pattern: '^[a-z][a-z0-9-]{2,39}$' }, ...agentForm },
    ...all('id', 'url', 'keys', 'probation', 'tier'),
  ),
  AgentChange: table(agentForm, ...Object.keys(agentForm)),
  Agent: table(agent),
  Agents: page('agents', table(agent), text),
  Suspension: table({ reason: line(200) }),
  Accounts: page('accounts', listing, text),
  Account: either(
    table({
      id: text,
      kind: word('credit'),
      name: text,
      openedAt: time,
      standing: balance,
      entries: list(lineEntry),
      next: orNull(count),
    }),
    table({
      id: text,
      kind: word('channel'),
      standing: channelStanding,
      entries: list(channelEntry),
      next: orNull(count),
    }),
    table({
      id: text,
      kind: word('exact'),
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
  Transfer: table({ amount: someAmount, reference: line(100), at: time }, ...all('amount', 'at')),
  Returned: table({ reference: line(100), reason: line(200), at: time }, 'at'),
  Correction: table({ amount: someAmount, reason: line(200), creditedNet: someAmount }, 'creditedNet'),
  Corrected: table({ creditNote: text, invoice: table(invoice) }),
  Started: table({ id: text, started: flag }),
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
