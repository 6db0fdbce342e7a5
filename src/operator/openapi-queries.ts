/** The query parameters of the API, as its OpenAPI document describes them. */
import { INTERVALS } from '../ledger/book/chart.ts'
import { MAX_FIGURES, SOURCES } from './figures.ts'
import { type Schema, text } from './json-schema.ts'
import { stage } from './openapi-schemas.ts'

/** The query parameters: their meanings and their schemas. */
export const QUERIES = {
  limit: ['Items a page', { type: 'integer', minimum: 1, maximum: 500, default: 100 }],
  after: ['The cursor: `next` of the page before', text],
  before: ['Returns invoices with lower numbers: `next` of the page before', { type: 'integer', minimum: 1 }],
  agent: ['Returns the items of this agent only', text],
  stage: ['Returns the invoices in this stage only', stage],
  format: ['The format of the response. By default JSON', text],
  url: ['A URL, or a path of this site', text],
  as: ['A known crawler, `reader` or a whole User-Agent', text],
  method: ['The method of the request', { type: 'string', default: 'GET' }],
  ip: ['The address of the client', text],
  signed: ['The host of a Signature-Agent whose signature counts as valid', text],
  by: ['What figures are counted by: site, who, rule, path and status, with commas between', text],
  interval: ['What figures are summed over, in UTC', { enum: INTERVALS, default: 'hour' }],
  from: [
    'A date, a time in RFC 3339 (UTC) or Unix milliseconds. By default 24 hours, 30 days or 12 months',
    text,
  ],
  to: ['As `from`, exclusive. By default now', text],
  source: [
    '`book` for money, `traffic` for counts of requests. By default both that have the names',
    { enum: SOURCES },
  ],
  site: ['Returns the figures of this site only', text],
  who: ['Returns the figures of this crawler only. A claimed name begins with `~`', text],
  rule: ['Returns the figures of this rule only', text],
  path: ['Returns the figures of this path only: the first two segments', text],
  status: ['Returns the figures of this class of status only, such as `5xx`', text],
  figures: ['Figures a page', { type: 'integer', minimum: 1, maximum: MAX_FIGURES, default: 1_000 }],
  day: ['A UTC date. By default today', { type: 'string', format: 'date' }],
  evidence: ['Includes signatures and the signed data', { type: 'boolean', default: false }],
} satisfies Record<string, readonly [string, Schema]>
