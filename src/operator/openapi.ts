/** The OpenAPI document (3.1) of everything under `/_tab402`. Data; a test holds it against the routes and their answers. */
import { ref, type Schema, schemas, stage } from './openapi-schemas.ts'

type Name = keyof typeof schemas
type Method = 'get' | 'post' | 'patch'

/** What a path does. `formats` are other media types of a good answer, `refusals` the statuses of a "no". */
type Operation = {
  summary: string
  answer: Name | null
  status?: number
  body?: Name
  query?: readonly Query[]
  formats?: readonly string[]
  refusals?: readonly number[]
  open?: 'signed' | 'public'
}

type Query = keyof typeof QUERIES

const text: Schema = { type: 'string' }

/** What each parameter of a query means, and what it may be. */
const QUERIES = {
  limit: ['Items of a page', { type: 'integer', minimum: 1, maximum: 500, default: 100 }],
  after: ['Goes on after this: `next` of the page before', text],
  before: ['Goes on below this number: `next` of the page before', { type: 'integer', minimum: 1 }],
  agent: ['Of one agent only', text],
  stage: ['In one stage only', stage],
  format: ['What the answer is: JSON unless said, a table or a page', text],
  evidence: ['With signatures, and what was signed', { type: 'boolean', default: false }],
} satisfies Record<string, readonly [string, Schema]>

const REFUSALS: Record<number, string> = {
  400: 'What was sent is not right; `faults` says all of it',
  401: 'Nobody who may',
  404: 'There is none; or what belongs to credit, on a site that gives none',
  409: 'Not as things stand',
  413: 'More than 64 KB',
  503: 'Not known now; ask again',
}

/** What a site that gives no credit has too. */
const WITHOUT_CREDIT = /^\/api\/(accounts|runs|openapi\.json|export\/(accounts|entries))/

const CSV = 'text/csv'
const HTML = 'text/html'
const NDJSON = 'application/x-ndjson'

const API: Record<string, Partial<Record<Method, Operation>>> = {
  '/api/agents': {
    get: { summary: 'Agents, in order of id', answer: 'Agents', query: ['after', 'limit'] },
    post: {
      summary: 'Registers an agent and opens its credit line. With an `id` of one’s own it may be repeated',
      body: 'NewAgent',
      answer: 'Agent',
      status: 201,
      refusals: [409],
    },
  },
  '/api/agents/{id}': {
    get: { summary: 'One agent', answer: 'Agent' },
    patch: { summary: 'Changes what is sent', body: 'AgentChange', answer: 'Agent', refusals: [409] },
  },
  '/api/agents/{id}/suspend': {
    post: { summary: 'Nothing is charged on its line from now on', body: 'Suspension', answer: 'Agent' },
  },
  '/api/agents/{id}/resume': { post: { summary: 'Takes a suspension back', answer: 'Agent' } },
  '/api/accounts': {
    get: {
      summary: 'Channels, payers at once and credit lines, with totals as of the last run',
      answer: 'Accounts',
      query: ['after', 'limit'],
    },
  },
  '/api/accounts/{id}': {
    get: {
      summary: 'One account as it is now, with a page of its journal',
      answer: 'Account',
      query: ['after', 'limit', 'evidence'],
    },
  },
  '/api/statements': {
    get: { summary: 'Statements, the last first', answer: 'Statements', query: ['agent', 'after', 'limit'] },
  },
  '/api/statements/{agent}/{period}': {
    get: { summary: 'One statement, signed', answer: 'Statement', query: ['format'], formats: [CSV, HTML] },
  },
  '/api/statements/{agent}/{period}/proofs/{entry}': {
    get: { summary: 'That an entry is part of a statement', answer: 'Proof' },
  },
  '/api/invoices': {
    get: {
      summary: 'Invoices, the newest first',
      answer: 'Invoices',
      query: ['agent', 'stage', 'before', 'limit'],
    },
  },
  '/api/invoices/{id}': {
    get: {
      summary: 'One invoice and what became of it',
      answer: 'Invoice',
      query: ['format'],
      formats: [HTML],
    },
  },
  '/api/invoices/{id}/payments': {
    post: {
      summary: 'A transfer came in: all that is owed, or `amount`. Noted once for each reference',
      body: 'Transfer',
      answer: 'Invoice',
      refusals: [409],
    },
  },
  '/api/invoices/{id}/returns': {
    post: {
      summary: 'A transfer went back, or was noted by mistake: takes it back, once',
      body: 'Returned',
      answer: 'Invoice',
      refusals: [409],
    },
  },
  '/api/invoices/{id}/credit-notes': {
    post: {
      summary: 'Takes back (part of) an invoice, without VAT. `creditedNet` is what it said before',
      body: 'Correction',
      answer: 'Corrected',
      status: 201,
      refusals: [409],
    },
  },
  '/api/runs': {
    get: { summary: 'Settlement runs and watches, the newest first', answer: 'Runs', query: ['limit'] },
    post: { summary: 'Starts a settlement run now', answer: 'Started', status: 202 },
  },
  '/api/runs/{id}': { get: { summary: 'What a run found and moved', answer: 'Run' } },
  '/api/audit': {
    get: { summary: 'Every act of an operator, the oldest first', answer: 'Acts', query: ['after', 'limit'] },
  },
  ...exported('accounts', 'entries', 'statements', 'invoices', 'credit-notes'),
  '/api/openapi.json': { get: { summary: 'This document', answer: null, open: 'public' } },
  '/me': { get: { summary: 'Your balance and terms', answer: 'Me', open: 'signed' } },
  '/me/entries': {
    get: { summary: 'Your journal', answer: 'Entries', query: ['after', 'limit'], open: 'signed' },
  },
  '/me/statements': { get: { summary: 'Your statements', answer: 'OwnStatements', open: 'signed' } },
  '/me/statements/{period}': {
    get: {
      summary: 'One statement, signed',
      answer: 'Statement',
      query: ['format'],
      formats: [CSV, HTML],
      open: 'signed',
    },
  },
  '/me/statements/{period}/proofs/{entry}': {
    get: { summary: 'That an entry is part of a statement', answer: 'Proof', open: 'signed' },
  },
  '/me/invoices': { get: { summary: 'Your invoices', answer: 'OwnInvoices', open: 'signed' } },
  '/me/invoices/{id}': {
    get: { summary: 'One invoice', answer: 'Invoice', query: ['format'], formats: [HTML], open: 'signed' },
  },
  '/keys': {
    get: { summary: 'The keys that sign statements, as a JWK Set', answer: 'Keys', open: 'public' },
  },
}

export const openApi = {
  openapi: '3.1.0',
  info: {
    title: 'tab402',
    version: '1',
    description:
      'Amounts are decimal strings of micro-dollars, which are atomic units of USDC. Times are Unix milliseconds.',
  },
  paths: Object.fromEntries(
    Object.entries(API).map(([path, item]) => [`/_tab402${path}`, pathItem(path, item)]),
  ),
  components: {
    schemas,
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer' },
      signature: {
        type: 'apiKey',
        in: 'header',
        name: 'Signature',
        description: 'RFC 9421, tag web-bot-auth, over @authority, @method, @target-uri and signature-agent',
      },
    },
  },
}

function exported(...names: string[]): typeof API {
  const kinds = [
    { extension: 'csv', type: CSV },
    { extension: 'ndjson', type: NDJSON },
  ]
  return Object.fromEntries(
    names.flatMap((name) =>
      kinds.map(({ extension, type }) => [
        `/api/export/${name}.${extension}`,
        {
          get: {
            summary: `All ${name.replace('-', ' ')}, as a file`,
            answer: null,
            formats: [type],
            query: ['after', 'evidence'],
          },
        },
      ]),
    ),
  )
}

function pathItem(path: string, item: Partial<Record<Method, Operation>>): Schema {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const operations = Object.entries(item).map(([method, operation]) => [method, described(operation, path)])
  return { ...(parameters.length > 0 && { parameters }), ...Object.fromEntries(operations) }
}

/** `text/csv` is asked for as `csv`. */
function formatsOf(types: readonly string[]): Schema {
  return { enum: ['json', ...types.map((type) => type.slice('text/'.length))], default: 'json' }
}

function described(operation: Operation, path: string): Schema {
  const { summary, answer, status = 200, body, query = [], formats = [], refusals = [], open } = operation
  const json = answer === null ? {} : { 'application/json': { schema: ref(answer) } }
  const others = formats.map((type) => [type, { schema: { type: 'string' } }])
  const plain =
    answer === null && formats.length === 0 ? { 'application/json': { schema: { type: 'object' } } } : {}
  const expected = [
    ...(open === 'public' ? [] : [401, 503]),
    ...(body || query.includes('format') || query.includes('stage') ? [400] : []),
    ...(body ? [413] : []),
    ...(path.includes('{') || !WITHOUT_CREDIT.test(path) ? [404] : []),
    ...refusals,
  ]
  const content = { 'application/json': { schema: ref('Refusal') } }
  const refused = expected.map((code) => [String(code), { description: REFUSALS[code], content }])
  return {
    summary,
    ...(query.length > 0 && {
      parameters: query.map((name) => {
        const [description, schema] = QUERIES[name]
        const known = name === 'format' ? formatsOf(formats) : schema
        return { name, in: 'query', description, schema: known }
      }),
    }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: ref(body) } } } }),
    security: open === 'public' ? [] : [open === 'signed' ? { signature: [] } : { token: [] }],
    responses: {
      [status]: { description: summary, content: { ...json, ...plain, ...Object.fromEntries(others) } },
      ...Object.fromEntries(refused),
    },
  }
}
