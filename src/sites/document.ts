/** The documents of sites and publishers: their types, and the parsers that return a document or all its problems. */
import * as v from 'valibot'
import { type ConfigProblem, type Expected, problemsOf } from '../platform/problem.ts'
import { onlyKeys, readWith } from '../platform/schema.ts'
import { isHex } from '../protocol/evm/hex.ts'
import { normalHost } from './host.ts'

/**
 * How the hosts of a site lead to this Worker. `route`: the zone is in the operator's account. `hostname`: a custom hostname
 * of the operator's zone (Cloudflare for SaaS). `bots-host`: a host beside the site, where its own server sends crawlers.
 */
export type Via = (typeof VIAS)[number]
const VIAS = ['route', 'hostname', 'bots-host'] as const

/** `draft`: nothing is served. `shadow`: all is decided and counted, and everybody is served. `suspended`: 503 for everybody. */
export type SiteMode = (typeof MODES)[number]
const MODES = ['draft', 'shadow', 'live', 'suspended'] as const

/** One site. `terms` are vars of docs/policy.md that hold for this site alone; {@link SITE_TERMS} lists their names. */
export type SiteDocument = {
  id: string
  /** The id of its publisher. */
  publisher: string
  /** In one spelling each ({@link normalHost}). */
  hosts: string[]
  via: Via
  mode: SiteMode
  terms: Record<string, unknown>
}

/** One publisher. */
export type Publisher = {
  id: string
  name: string
  /** E-mail addresses. */
  contacts: string[]
  /** ISO 3166, two capital letters; null where it is not known. */
  country: string | null
  taxId: string | null
  /** The RECEIVER of its sites that name none, in lower case; null for the deployment's. */
  receiver: string | null
}

/**
 * The vars that a site may set. All others belong to the deployment: nodes, keys, secrets, tokens, webhooks, billing and
 * budgets of gas. A site that could set them could send the operator's money or alerts elsewhere.
 */
export const SITE_TERMS: readonly string[] = [
  'CLOUDFLARE_CHARGES',
  'CONTRACTS',
  'DATES',
  'DESCRIPTION',
  'MAX_TIMEOUT_SECONDS',
  'NAME',
  'NETWORK',
  'ORIGIN',
  'ORIGIN_TIMEOUT_MS',
  'PATHS',
  'PRESET',
  'PRICE',
  'RECEIVER',
  'RULES',
  'SCHEMES',
  'SITEMAP',
  'TERMS',
]

/** The most hosts of one site. Each is a key in KV that each publish writes. */
export const MAX_HOSTS = 50
/** The most characters of a document as JSON. Beyond it the document is refused. */
export const MAX_DOCUMENT_CHARS = 250_000

const EXPECTED: Readonly<Record<string, Expected>> = {
  id: { want: '1 to 40 of a-z, 0-9 and "-", beginning with a letter or digit', example: '"example-news"' },
  publisher: { want: "a publisher's id", example: '"example-press"' },
  hosts: { want: `a list of 1 to ${MAX_HOSTS} host names`, example: '["news.example.com"]' },
  via: { want: VIAS.map((via) => `"${via}"`).join(' or '), example: '"hostname"' },
  mode: { want: MODES.map((mode) => `"${mode}"`).join(' or '), example: '"shadow"' },
  terms: { want: 'a table of vars of docs/policy.md', example: '{ PRICE = "0.002" }' },
  name: { want: '1 to 200 characters in quotes', example: '"Example Press GmbH"' },
  contacts: { want: 'a list of at most 20 e-mail addresses', example: '["tech@example.com"]' },
  country: { want: 'an ISO 3166 code of two capital letters', example: '"DE"' },
  taxId: { want: '1 to 200 characters in quotes', example: '"DE123456789"' },
  receiver: { want: 'an address: 0x and 40 hex digits', example: '"0x2096…287C"' },
}

/** The ids of sites and publishers. */
const ID = /^[a-z0-9][a-z0-9-]{0,39}$/
const id = readWith((text) => (ID.test(text) ? { value: text } : null))
const host = readWith((text) => {
  const value = normalHost(text)
  return value === undefined
    ? 'must be a host name without scheme, path or port, such as "news.example.com"'
    : { value }
})
const text = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200))

const site = v.pipe(
  v.looseObject({
    id,
    publisher: id,
    hosts: v.pipe(
      v.array(host),
      v.minLength(1),
      v.maxLength(MAX_HOSTS),
      v.check((hosts) => new Set(hosts).size === hosts.length, 'must name each host once'),
    ),
    via: v.optional(v.picklist(VIAS), 'hostname'),
    mode: v.optional(v.picklist(MODES), 'draft'),
    terms: v.optional(v.pipe(v.record(v.string(), v.unknown()), onlyKeys([...SITE_TERMS])), {}),
  }),
  onlyKeys(['id', 'publisher', 'hosts', 'via', 'mode', 'terms']),
)

const publisher = v.pipe(
  v.looseObject({
    id,
    name: text,
    contacts: v.optional(v.pipe(v.array(v.pipe(text, v.regex(/^[^\s@]+@[^\s@]+$/))), v.maxLength(20)), []),
    country: v.optional(v.nullable(v.pipe(v.string(), v.regex(/^[A-Z]{2}$/))), null),
    taxId: v.optional(v.nullable(text), null),
    receiver: v.optional(
      v.nullable(readWith((text) => (isHex(text, 20) ? { value: text.toLowerCase() } : null))),
      null,
    ),
  }),
  onlyKeys(['id', 'name', 'contacts', 'country', 'taxId', 'receiver']),
)

/** A document, or everything that is wrong with it. */
export type Parsed<Document> = { ok: true; value: Document } | { ok: false; problems: ConfigProblem[] }

/**
 * Reads a site's document: `via` is "hostname" and `mode` "draft" where they are absent. The config alone judges the
 * terms themselves.
 */
export function parseSite(document: unknown): Parsed<SiteDocument> {
  return parse(site, document)
}

/** Reads a publisher's document. */
export function parsePublisher(document: unknown): Parsed<Publisher> {
  return parse(publisher, document)
}

function parse<Shape extends v.GenericSchema<unknown, Record<string, unknown>>>(
  schema: Shape,
  document: unknown,
): Parsed<v.InferOutput<Shape>> {
  const read = v.safeParse(schema, document)
  if (!read.success) return { ok: false, problems: problemsOf(read.issues, EXPECTED) }
  const { length } = JSON.stringify(read.output)
  return length <= MAX_DOCUMENT_CHARS
    ? { ok: true, value: read.output }
    : {
        ok: false,
        problems: [{ place: 'terms', message: `must have at most ${MAX_DOCUMENT_CHARS} characters as JSON` }],
      }
}
