/** The shapes of sites and publishers, as JSON Schema. */
import {
  amount,
  count,
  flag,
  hex,
  listOf,
  orNull,
  pageOf,
  type Schema,
  signedAmount,
  table,
  text,
  time,
  word,
} from './json-schema.ts'

/** The modes of a site. */
export const siteMode = word('draft', 'shadow', 'live', 'suspended')
const via = word('route', 'hostname', 'bots-host')
const id: Schema = { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,39}$' }
const error = table({ path: text, message: text, expected: text })
const errors = listOf(error)

const terms: Schema = {
  type: 'object',
  description: 'Vars of docs/policy.md that hold for this site alone',
}
const document = table({ id, publisher: id, hosts: listOf(text), via, mode: siteMode, terms })

const version = {
  version: count,
  document,
  effectiveAt: time,
  at: time,
  who: text,
  act: word('publish', 'revert', 'suspend', 'resume', 'remove'),
  note: orNull(text),
}

const how = orNull(word('txt', 'platform', 'operator', 'local'))

const site = table(
  {
    id,
    publisher: id,
    mode: siteMode,
    revision: count,
    draft: orNull(table({ document, at: time, who: text })),
    published: orNull(table(version)),
    hosts: listOf(table({ host: text, token: text, provenAt: orNull(time), how })),
    pending: listOf(text),
    warnings: errors,
  },
  'warnings',
)

const publisher = {
  id,
  name: text,
  contacts: listOf(text),
  country: orNull(text),
  taxId: orNull(text),
  receiver: orNull(hex),
}

const finding = table({
  outcome: word('ok', 'failed', 'unknown', 'skipped'),
  status: orNull(count),
  why: text,
})

const sent = (properties: Record<string, Schema>, ...required: string[]): Schema => ({
  type: 'object',
  properties,
  required,
})

const replayed = table({ action: word('charge', 'allow', 'block'), price: amount, rule: text })
const spanOf = (sum: Schema) => table({ least: sum, most: sum })
const requests = spanOf(count)
const money = spanOf(signedAmount)
const counts = spanOf({ type: 'integer' })
const changes = table({ charge: counts, allow: counts, block: counts, asked: money, earned: money })
const sums = table({ charge: requests, allow: requests, block: requests, asked: money, earned: money })

/** The named schemas of sites and publishers. */
export const siteSchemas = {
  SiteDocument: sent({ id, publisher: id, hosts: listOf(text), via, mode: siteMode, terms }, 'id', 'hosts'),
  SitePatch: {
    type: 'object',
    description:
      'A merge patch (RFC 7396) over the draft, or over what is published: null removes a member or a var',
  },
  Site: site,
  Sites: pageOf(
    'sites',
    table({
      id,
      publisher: id,
      mode: siteMode,
      hosts: listOf(text),
      via,
      version: count,
      hasDraft: flag,
    }),
    text,
  ),
  SiteVersions: pageOf('versions', table(version), count),
  SiteJudged: table({ document, warnings: errors }),
  SitePublished: table(
    { ...version, pending: listOf(text), everywhereBy: time, warnings: errors },
    'warnings',
  ),
  SiteDiscarded: table({ site: orNull(site) }),
  SiteChecked: table({
    id,
    ok: flag,
    errors,
    warnings: errors,
    hosts: listOf(
      table({
        host: text,
        record: text,
        token: text,
        how,
        proof: finding,
        dns: finding,
        certificate: finding,
        crawler: finding,
        reader: finding,
      }),
    ),
    origin: finding,
    sideDoor: finding,
  }),
  Replay: table({
    id,
    version: orNull(count),
    isDraft: flag,
    source: word('traffic', 'shadow'),
    from: time,
    to: time,
    rows: listOf(
      table({
        who: text,
        requests: count,
        charges: count,
        charged: signedAmount,
        outcomes: listOf(table({ live: replayed, draft: replayed })),
      }),
    ),
    live: sums,
    draft: sums,
    change: changes,
    left: count,
    notes: listOf(text),
  }),
  Publisher: table({ ...publisher, sites: listOf(id), revision: count }),
  PublisherDocument: sent(publisher, 'id', 'name'),
  PublisherPatch: { type: 'object', description: 'A merge patch (RFC 7396): null removes a member' },
  Publishers: pageOf('publishers', table(publisher), text),
} satisfies Record<string, Schema>
