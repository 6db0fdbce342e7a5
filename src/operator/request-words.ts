/** The expected value of each member of a request, for errors and for the OpenAPI document. */
import { RAIL_NAMES } from '../ledger/billing/types.ts'
import { KIND } from '../ledger/book/accounts.ts'

/** The lengths of billing periods. */
export const PERIODS = ['daily', 'weekly', 'monthly'] as const

/** Words by the member's name. */
export const EXPECTED = {
  id: '3 to 40 characters of a-z, 0-9 and "-", beginning with a letter, for example "acme-bot"',
  name: 'one line of text, at most 100 characters',
  url: 'the https URL of the agent’s key directory, or of its host, or null',
  keys: 'a JWK Set of 1 to 16 public keys (Ed25519, P-256, RSA), or null',
  creditLimit: 'micro-dollars as a string ("5000000"), or USD with a dollar sign ("$5"), above zero',
  probation: 'the initial credit limit: micro-dollars as a string ("1000000"), or USD ("$1")',
  period: PERIODS.join(', '),
  rail: RAIL_NAMES.join(', '),
  tier: 'a tier of CREDIT_TIERS, or null',
  buyer: 'the invoice’s recipient: { "name", "country", "address", "taxId", "email" }',
  country: 'an ISO 3166 code of two capital letters, for example "US"',
  address: 'text, at most 500 characters, with line breaks',
  taxId: 'one line of text, at most 40 characters',
  email: 'an e-mail address, at most 200 characters',
  amount: 'micro-dollars as a string ("5000000"), or USD with a dollar sign ("$5"), above zero',
  creditedNet: 'the invoice’s `creditedNet` as last read, in micro-dollars as a string',
  reference: 'the bank’s reference of the transfer: one line of text, at most 100 characters',
  reason: 'one line of text, at most 200 characters',
  at: 'Unix milliseconds',
  kind: Object.values(KIND).join(', '),
  hours: 'whole hours from 1 to 720, or 0 to end the mute',
  objects: '1 to 100 ids of Durable Objects of this kind: 64 hex digits each',
  note: 'why, in one line of text, at most 500 characters',
  version: 'the number of an earlier version, from 1',
  list: 'the path of the list, for example "/accounts"',
  query: 'the query of the list, with its filters: at most 2,000 characters',
  host: 'a host of this site, for example "news.example.com"',
  path: 'a path of the site that crawlers pay for, for example "/articles/1"',
} as const
