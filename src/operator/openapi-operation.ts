/** The words in which the API's operations are written. */
import { ACCOUNT_STATES } from '../ledger/book/account-list.ts'
import { KIND } from '../ledger/book/accounts.ts'
import { INTERVALS } from '../ledger/book/chart.ts'
import { RUN_KINDS, RUN_STATUSES } from '../ledger/book/runs.ts'
import type { Right } from '../people/principal.ts'
import { FIGURE_SOURCES, MAX_FIGURES, MAX_TOP } from './figures.ts'
import type { Schema } from './json-schema.ts'
import { type schemas, stage } from './openapi-schemas.ts'
import { siteMode } from './openapi-site-schemas.ts'
import { MAX_RECEIPT_DAYS } from './totals.ts'

type Name = keyof typeof schemas
/** The methods of the API. */
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** One operation. `formats` are further media types of its response, `problems` the error statuses of its own. */
export type Operation = {
  /** The right that the route names, for all but open operations. */
  right?: Right
  /** The principal must have shown its token or passkey in the last minutes. */
  fresh?: boolean
  summary: string
  answer: Name | null
  status?: number
  body?: Name
  query?: readonly Query[]
  formats?: readonly string[]
  problems?: readonly number[]
  open?: 'signed' | 'public'
  /** Further statuses of the same answer. */
  also?: readonly number[]
}

/** Operations by path below `/_tab402`, and by method. */
export type Operations = Record<string, Partial<Record<Method, Operation>>>

/** The name of a query parameter. */
export type Query = keyof typeof QUERIES

const text: Schema = { type: 'string' }

/** The names of queries that mean something else elsewhere. */
export const QUERY_NAMES: Partial<Record<Query, string>> = {
  figures: 'limit',
  probed: 'path',
  accounts: 'kind',
  runs: 'kind',
  ended: 'status',
  actor: 'who',
}

/** The header that every change takes. */
export const KEY_HEADER: Schema = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Makes the change happen once: a second request under the same key is answered as the first one was, for seven days',
  schema: { type: 'string', minLength: 16, maxLength: 100 },
}

/** The query parameters: their meanings and their schemas. */
export const QUERIES = {
  limit: ['Items a page', { type: 'integer', minimum: 1, maximum: 500, default: 100 }],
  after: ['The cursor: `next` of the page before', text],
  before: ['Returns invoices with lower numbers: `next` of the page before', { type: 'integer', minimum: 1 }],
  agent: ['Returns the items of this agent only', text],
  network: ['The network (CAIP-2). By default the first one of this site', text],
  stage: ['Returns the invoices in this stage only', stage],
  format: ['The format of the response. By default JSON', text],
  url: ['A URL, or a path of this site', text],
  as: ['A known crawler, `reader` or a whole User-Agent', text],
  method: ['The method of the request', { type: 'string', default: 'GET' }],
  ip: ['The address of the client', text],
  site: ['The id of a site; without a registry of sites, its host', text],
  rule: ['A rule of the policy, such as `RULES[2]`, with all its factors', text],
  policy: ['A version of the site’s policy', { type: 'integer', minimum: 0 }],
  who: ['A confirmed crawler, or a claimed name behind `~`', text],
  publisher: ['Returns the sites of this publisher only', text],
  mode: ['Returns the sites in this mode only', siteMode],
  country: ['The country of the request: ISO 3166, T1 for Tor, or none', text],
  verified: [
    'Cloudflare states that the client is the crawler that it names',
    { type: 'boolean', default: false },
  ],
  of: [
    'The draft (or what is published where there is none), or what is published',
    { enum: ['draft', 'live'], default: 'draft' },
  ],
  probed: ['A path of the site that crawlers pay for', { type: 'string', default: '/' }],
  signed: ['The host of a Signature-Agent whose signature counts as valid', text],
  by: ['The names that figures are counted by: site, who, rule, path and status, with commas between', text],
  interval: ['The length of time that figures are summed over, in UTC', { enum: INTERVALS, default: 'hour' }],
  from: [
    'A date, a time in RFC 3339 (UTC) or Unix milliseconds. By default 24 hours, 30 days or 12 months',
    text,
  ],
  to: ['As `from`, exclusive. By default now', text],
  source: [
    '`book` for money, `traffic` for counts of requests. By default both that have the names',
    { enum: FIGURE_SOURCES },
  ],
  page: ['A path that crawlers pay for: each site is asked for it', { type: 'string', default: '/' }],
  path: ['Returns the figures of this path only: the first two segments', text],
  status: ['Returns the figures of this class of status only, such as `5xx`', text],
  top: [
    'The names that earned most in the whole range, with the others summed as `other`: one name in `by`, `source=book`',
    { type: 'integer', minimum: 1, maximum: MAX_TOP },
  ],
  figures: ['Figures a page', { type: 'integer', minimum: 1, maximum: MAX_FIGURES, default: 1_000 }],
  day: ['A UTC date. By default today', { type: 'string', format: 'date' }],
  sort: ['The column that the list is sorted by. A `-` before it turns the order round', text],
  state: ['Returns open, stopped or owing accounts only', { enum: ACCOUNT_STATES }],
  accounts: ['Returns the accounts of this kind only', { enum: Object.values(KIND) }],
  runs: ['Returns the runs of this kind only', { enum: RUN_KINDS }],
  ended: ['Returns the runs of this status only', { enum: RUN_STATUSES }],
  text: ['A part of the id, the name or the payer', text],
  what: ['Returns acts of this kind only, such as `invoice` or `invoice.pay`', text],
  subject: ['Returns acts on this subject only', text],
  actor: ['Returns acts of this principal only', text],
  days: [
    'Days of receipts, up to today',
    { type: 'integer', minimum: 1, maximum: MAX_RECEIPT_DAYS, default: 60 },
  ],
  evidence: ['Includes signatures and the signed data', { type: 'boolean', default: false }],
} satisfies Record<string, readonly [string, Schema]>

/** The queries for the entries of some sales. */
export const SALE = ['site', 'rule', 'policy', 'who'] as const satisfies readonly Query[]
