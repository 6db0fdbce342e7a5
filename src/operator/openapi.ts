/** The OpenAPI document (3.1) of the API below `/_tab402`. Tests check it against the routes and their responses. */
import type { Right } from '../people/principal.ts'
import type { Schema } from './json-schema.ts'
import { billOperations } from './openapi-bills.ts'
import { ownOperations } from './openapi-me.ts'
import {
  KEY_HEADER,
  type Method,
  type Operation,
  type Operations,
  QUERIES,
  QUERY_NAMES,
  SALE,
} from './openapi-operation.ts'
import { peopleOperations } from './openapi-people.ts'
import { ref, schemas } from './openapi-schemas.ts'
import { siteOperations } from './openapi-sites.ts'
import { stateOperations } from './openapi-state.ts'
import { PROBLEM_TYPE, PROBLEMS } from './problem.ts'

/** Descriptions of the error statuses. */
const PROBLEM_STATUSES: Record<number, string> = {
  400: 'Invalid request: `errors` lists every error',
  401: 'Missing or invalid token',
  403: 'The principal lacks the right, or a fresh proof of who it is',
  404: 'Not found. Sites without credit have only accounts, the relayer, runs, exports and the audit log',
  409: 'Conflicts with the current state',
  412: 'Changed since the ETag in If-Match',
  413: 'The body is too large',
  503: 'Temporarily unavailable: send the same request again',
}

/** Paths that sites without credit have too. */
const WITHOUT_CREDIT =
  /^\/api\/(accounts|alerts|book|doctor|explain|figures|metrics|relayer|runs|screening|shadow|sign-in-codes|totals|audit|acts|openapi\.json|export\/(accounts|entries))/

const CSV = 'text/csv'
const NDJSON = 'application/x-ndjson'

const API: Operations = {
  '/api/agents': {
    get: {
      right: 'money.read',
      summary: 'Lists agents in order of id',
      answer: 'Agents',
      query: ['after', 'limit'],
    },
    post: {
      right: 'money.write',
      summary: 'Registers an agent and opens its credit line. Requests with your own `id` may be repeated',
      body: 'NewAgent',
      answer: 'Agent',
      status: 201,
      problems: [409],
    },
  },
  '/api/agents/{id}': {
    get: { right: 'money.read', summary: 'Returns an agent', answer: 'Agent' },
    patch: {
      right: 'money.write',
      summary: 'Changes the members that are sent',
      body: 'AgentChange',
      answer: 'Agent',
      problems: [409],
    },
  },
  '/api/agents/{id}/suspend': {
    post: {
      right: 'money.write',
      summary: 'Suspends an agent: its credit line rejects charges',
      body: 'Suspension',
      answer: 'Agent',
    },
  },
  '/api/agents/{id}/resume': {
    post: { right: 'money.write', summary: 'Ends a suspension', answer: 'Agent' },
  },
  '/api/accounts': {
    get: {
      right: 'money.read',
      summary: 'Lists channels, payers of `exact` and credit lines, with totals as of the last run',
      answer: 'Accounts',
      query: ['after', 'limit', 'sort', 'accounts', 'state', 'text'],
    },
  },
  '/api/accounts/{id}': {
    get: {
      right: 'money.read',
      summary: 'Returns the current state of an account, with a page of its journal',
      answer: 'Account',
      query: ['after', 'limit', 'sort', 'evidence', ...SALE],
    },
  },
  '/api/accounts/{id}/reread': {
    post: {
      right: 'runs.write',
      summary:
        'Reads a channel from the chain and stores its state, also of a lower block than the stored one',
      answer: 'Reread',
    },
  },
  '/api/accounts/{id}/lift': {
    post: {
      right: 'money.write',
      summary: 'Takes a channel out of quarantine: the next run claims from it with the others',
      answer: 'Lifted',
    },
  },
  '/api/accounts/{id}/screening': {
    get: {
      right: 'money.read',
      summary: 'Returns the screening decisions about a channel or an address, oldest first',
      answer: 'Screenings',
      query: ['after', 'limit'],
    },
  },
  '/api/accounts/{id}/release': {
    post: {
      right: 'money.write',
      summary: 'Ends the hold of a listed payer’s account',
      body: 'Release',
      answer: 'Released',
    },
  },
  '/api/screening': {
    get: {
      right: 'runs.read',
      summary: 'Returns the sources of screening, and how each act fails',
      answer: 'Screening',
      problems: [404],
    },
  },
  '/api/relayer': {
    get: {
      right: 'runs.read',
      summary: 'Returns the nonces of the relayer’s key on one network',
      answer: 'Relayer',
      query: ['network'],
      problems: [404],
    },
  },
  '/api/relayer/repair': {
    post: {
      right: 'runs.write',
      summary: 'Fills up to 1,000 missing nonces, and sends open transactions again',
      answer: 'Relayer',
      query: ['network'],
      problems: [404],
    },
  },
  '/api/explain': {
    get: {
      right: 'sites.read',
      summary: 'Returns what the paywall answers to a request without payment, and why',
      answer: 'Explanation',
      query: ['url', 'as', 'verified', 'method', 'ip', 'signed', 'country', 'site'],
      problems: [400, 404],
    },
  },
  ...billOperations,
  '/api/runs': {
    get: {
      right: 'runs.read',
      summary: 'Lists settlement runs, billing runs, shadow runs and watches, newest first',
      answer: 'Runs',
      query: ['after', 'limit', 'sort', 'runs', 'ended'],
    },
    post: {
      right: 'runs.write',
      summary: 'Starts the runs of this site now',
      answer: 'Started',
      status: 202,
    },
  },
  '/api/runs/{id}': {
    get: { right: 'runs.read', summary: 'Returns the findings and sums of a run', answer: 'Run' },
  },
  '/api/shadow': {
    get: {
      right: 'figures.read',
      summary: 'Returns what shadow mode would have asked on a day, in micro-dollars',
      answer: 'ShadowDay',
      query: ['day', 'site'],
      problems: [400],
    },
  },
  '/api/book': {
    post: {
      right: 'runs.write',
      summary:
        'Writes accounts into the read model again, named by the ids of their objects. May be repeated',
      body: 'Rebuild',
      answer: 'Rebuilt',
      problems: [404],
    },
  },
  '/api/audit': {
    get: {
      right: 'audit.read',
      summary: 'Lists the operator’s actions, oldest first',
      answer: 'Acts',
      query: ['after', 'limit', 'sort', 'actor', 'subject', 'what'],
    },
  },
  '/api/acts/{key}': {
    get: {
      right: 'figures.read',
      summary: 'Returns how a request of one’s own stands, by its Idempotency-Key',
      answer: 'KeyState',
    },
  },
  '/api/totals': {
    get: {
      right: 'money.read',
      summary: 'Returns what is owed, what of it is at risk, and what was received by day',
      answer: 'Totals',
      query: ['days'],
    },
  },
  ...stateOperations,
  ...siteOperations,
  '/api/export': {
    post: {
      right: 'export',
      summary: 'Notes in the audit log that a list is exported by its pages',
      body: 'Exported',
      answer: 'Exporting',
    },
  },
  ...peopleOperations,
  ...exported('accounts', 'entries', 'statements', 'invoices', 'credit-notes'),
  '/api/openapi.json': { get: { summary: 'Returns this document', answer: null, open: 'public' } },
  ...ownOperations,
  '/keys': {
    get: { summary: 'Returns the keys that sign statements, as a JWK Set', answer: 'Keys', open: 'public' },
  },
}

/** The document, as `GET /_tab402/api/openapi.json` returns it. */
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
  'x-problems': PROBLEMS,
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

function exported(...names: string[]): Operations {
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
            right: 'export',
            summary: `Downloads all ${name.replace('-', ' ')}`,
            answer: null,
            formats: [type],
            query: ['after', 'evidence', ...(name === 'entries' || name === 'statements' ? SALE : [])],
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
  const operations = Object.entries(item).map(([method, operation]) => [
    method,
    described(method, operation, path),
  ])
  return { ...(parameters.length > 0 && { parameters }), ...Object.fromEntries(operations) }
}

function needOf(right: Right, fresh: boolean): string {
  return `Needs the right ${right}${fresh ? ', and a proof of who asks that is at most five minutes old' : ''}.`
}

/** The values of `format`: `csv` for `text/csv`. */
function formatsOf(types: readonly string[]): Schema {
  return { enum: ['json', ...types.map((type) => type.slice('text/'.length))], default: 'json' }
}

function described(method: string, operation: Operation, path: string): Schema {
  const {
    right,
    fresh = false,
    summary,
    answer,
    status = 200,
    body,
    query = [],
    formats = [],
    problems = [],
    open,
    also = [],
  } = operation
  const isChange = right !== undefined && method !== 'get'
  const json = answer === null ? {} : { 'application/json': { schema: ref(answer) } }
  const others = formats.map((type) => [type, { schema: { type: 'string' } }])
  const plain =
    answer === null && formats.length === 0 ? { 'application/json': { schema: { type: 'object' } } } : {}
  const answers = { ...json, ...plain, ...Object.fromEntries(others) }
  const expected = [
    ...(open === 'public' ? [] : [401, 503]),
    ...(right ? [403] : []),
    ...(isChange ? [400, 409] : []),
    ...(body || query.includes('format') || query.includes('sort') ? [400] : []),
    ...(body ? [413] : []),
    ...(path.includes('{') || !WITHOUT_CREDIT.test(path) ? [404] : []),
    ...problems,
  ]
  const content = { [PROBLEM_TYPE]: { schema: ref('Problem') } }
  const words =
    open === 'signed' ? { ...PROBLEM_STATUSES, 401: 'Missing or invalid signature' } : PROBLEM_STATUSES
  const errors = expected.map((code) => [String(code), { description: words[code], content }])
  return {
    summary,
    ...(right && { description: needOf(right, fresh), 'x-right': right, 'x-fresh-proof': fresh }),
    ...(query.length + Number(isChange) > 0 && {
      parameters: [
        ...query.map((name) => {
          const [description, schema] = QUERIES[name]
          const known = name === 'format' ? formatsOf(formats) : schema
          return { name: QUERY_NAMES[name] ?? name, in: 'query', description, schema: known }
        }),
        ...(isChange ? [KEY_HEADER] : []),
      ],
    }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: ref(body) } } } }),
    security: open === 'public' ? [] : [open === 'signed' ? { signature: [] } : { token: [] }],
    responses: {
      ...Object.fromEntries(errors),
      ...Object.fromEntries(
        [status, ...also].map((code) => [code, { description: summary, content: answers }]),
      ),
    },
  }
}
