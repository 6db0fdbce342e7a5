/** The answers of an API in which everything exists, as far as the pages of the console read them. */
import type {
  AccountBody,
  AgentBody,
  AlertBody,
  EntryBody,
  HoldBody,
  InvoiceBody,
  PublisherBody,
  RunBody,
  SiteBody,
  SiteDocumentBody,
} from '../../src/console/answers.ts'
import type { ConsoleOrder } from '../../src/people/console-call.ts'
import type { MemberView, TokenView } from '../../src/people/member.ts'

const AMOUNTS = { authorized: '3', charged: '3', redeemed: '1', ceiling: '9' }

const run: RunBody = {
  ...{ id: 'settle-1', kind: 'settlement', status: 'settled', startedAt: 1, endedAt: 2 },
  record: {},
}
const agent: AgentBody = {
  ...{ id: 'acme', name: 'Acme', url: null, creditLimit: '5000000', probation: '1', period: 'daily' },
  ...{ rail: 'transfer', tier: null, buyer: { name: 'Acme Inc.', country: 'US' } },
  ...{ suspended: null, createdAt: 1, version: 1 },
}
/** Partly paid, so that it has the form of each act. */
export const invoice: InvoiceBody = {
  ...{ id: 'INV-000001', number: 1, agent: 'acme', periods: ['2026-11'], from: 0, to: 1, issuedAt: 0 },
  ...{ dueAt: 1, seller: { name: 'Tally' }, buyer: { name: 'Acme Inc.', country: 'US' }, rail: 'transfer' },
  ...{ net: '9', vat: { amount: '0' }, total: '9', paid: '3', credited: '0', creditedNet: '0', owed: '6' },
  ...{ stage: 'open', failedAt: null, history: [] },
}
const entry: EntryBody = {
  ...{ seq: 2, at: 1, kind: 'charge', id: 'c', amount: '1', charged: '1', redeemed: '0' },
  ...{ request: null, rule: null, of: null },
}
const hold: HoldBody = {
  ...{ address: `0x${'12'.repeat(20)}`, list: 'operator', dated: null, reason: 'on the deny list', since: 1 },
}
/** In quarantine, and held. */
export const channel: AccountBody = {
  ...{ id: `0x${'ab'.repeat(32)}`, kind: 'channel', next: null, entries: [entry] },
  standing: {
    ...AMOUNTS,
    config: { payer: '0x1', receiver: '0x2', withdrawDelay: 900 },
    state: { balance: '9', totalClaimed: '1', withdrawRequestedAt: 0, withdrawAmount: '0' },
    ...{ quarantine: 'claim_reverted', unresolved: null, hold },
  },
}
/** A held address without a payment. */
export const address: AccountBody = {
  ...{ id: `eip155:8453:0x${'12'.repeat(20)}`, kind: 'exact', next: null, hold, payments: [] },
  totals: {
    ...{ payments: 0, inDoubt: 0, undelivered: 0, watched: 0, provisional: 0, lost: 0 },
    received: '0',
  },
}
const document: SiteDocumentBody = {
  ...{ id: 'news', publisher: 'press', hosts: ['news.example'], via: 'route', mode: 'shadow' },
  terms: { PRICE: '0.002', RULES: [{ action: 'charge', path: '/a/*', price: '0.01' }] },
}
/** Without hosts: the page of the checks looks them up. */
const version = {
  ...{
    version: 2,
    document: { ...document, hosts: [] },
    effectiveAt: 1,
    at: 1,
    who: 'op',
    act: 'publish',
    note: null,
  },
}
const site: SiteBody = {
  ...{ id: 'news', publisher: 'press', mode: 'shadow', revision: 3, pending: [] },
  draft: { document: { ...document, terms: { PRICE: '0.003' } }, at: 1, who: 'op' },
  published: version,
  hosts: [{ host: 'news.example', token: 't', provenAt: 1, how: 'txt' }],
}
const publisher: PublisherBody = {
  ...{ id: 'press', name: 'Press', contacts: [], country: null, taxId: null, receiver: null, revision: 1 },
  sites: ['news'],
}
const alert: AlertBody = {
  ...{ id: 'alert-1', kind: 'withdrawal', severity: 'critical', subject: 'x', figure: '$1', link: '/x' },
  ...{ opened: 1, resolved: null, mutedUntil: null },
}
const member: MemberView = {
  ...{ id: 'member-1', name: 'Ann', email: null, role: 'operator', publisher: null, createdAt: 1 },
  ...{ passkeys: 1, passkeyAt: 1, usedAt: 1, invitedUntil: null },
}
const token: TokenView = {
  ...{ id: 'token-1', name: 'export', owner: 'Ann', scopes: ['export'], createdAt: 1, endsAt: 2, usedAt: 1 },
}
const act = { seq: 2, at: 1, who: 'op', what: 'agent.suspend', subject: 'acme', before: null, after: null }
const none = { charge: { least: 0, most: 0 }, allow: { least: 0, most: 0 }, block: { least: 0, most: 0 } }
const sums = { ...none, asked: { least: '0', most: '0' }, earned: { least: '0', most: '0' } }
const ok = { outcome: 'ok', status: 200, why: 'answered' }

const figure = {
  ...{ source: 'book', day: today(), hour: today(), site: 'news', who: '~GPTBot', path: '/a' },
  ...{ charged: '5', charges: 1 },
}

function today(): number {
  return Math.floor(Date.now() / 86_400_000) * 86_400_000
}

/** By path, the first that matches. */
const BODIES: readonly (readonly [RegExp, object])[] = [
  [/^\/figures/, { sources: { book: { asOf: 1, isReadable: true } }, figures: [figure], next: null }],
  [
    /^\/alerts/,
    {
      alerts: [alert],
      webhooks: [{ id: 'w', host: 'hook.example', acceptedAt: 1, failingSince: null }],
      lastAt: 1,
    },
  ],
  [
    /^\/totals/,
    {
      owed: { channel: '1', credit: '1', accounts: 1, withdrawing: '0', stopped: '0', late: '0', asOf: 1 },
      receipts: [],
      since: 1,
    },
  ],
  [/^\/runs\/.+/, { run }],
  [/^\/runs/, { runs: [run], next: null }],
  [/^\/accounts\/0x/, channel],
  [/^\/accounts\/eip155/, address],
  [
    /^\/accounts\/.+/,
    {
      ...channel,
      id: 'acme',
      kind: 'credit',
      name: 'Acme',
      openedAt: 1,
      standing: { status: 'open', limit: '5', charged: '3', redeemed: '1', owed: '2', available: '3' },
      entries: [entry],
    },
  ],
  [/^\/accounts/, { accounts: [], next: null }],
  [/^\/statements/, { statements: [], next: null }],
  [/^\/agents\/stopped/, { ...agent, id: 'stopped', suspended: 'does not answer' }],
  [/^\/agents\/.+/, agent],
  [/^\/agents/, { agents: [agent], next: null }],
  [/^\/invoices\/.+/, invoice],
  [/^\/invoices/, { invoices: [invoice], next: null }],
  [/^\/sites\/check/, { warnings: [] }],
  [/^\/sites\/\w+\/versions.*before=2/, { versions: [{ ...version, version: 1 }], next: null }],
  [/^\/sites\/\w+\/versions/, { versions: [version, { ...version, version: 1 }], next: null }],
  [
    /^\/sites\/\w+\/check/,
    {
      ok: true,
      errors: [],
      warnings: [],
      hosts: [
        {
          host: 'news.example',
          token: 't',
          record: 'r',
          proof: ok,
          dns: ok,
          certificate: ok,
          crawler: ok,
          reader: ok,
        },
      ],
      origin: ok,
      sideDoor: ok,
    },
  ],
  [
    /^\/sites\/\w+\/replay/,
    {
      version: 2,
      isDraft: true,
      source: 'traffic',
      from: 1,
      to: 2,
      rows: [],
      live: sums,
      draft: sums,
      change: sums,
      left: 0,
      notes: [],
    },
  ],
  [/^\/sites\/.+/, site],
  [
    /^\/sites/,
    { sites: [{ ...site, hosts: ['news.example'], via: 'route', version: 2, hasDraft: true }], next: null },
  ],
  [
    /^\/shadow/,
    { day: '2026-11-27', total: { requests: 0, pages: 0, asked: '0' }, crawlers: [], rules: [], paths: [] },
  ],
  [/^\/publishers\/.+/, publisher],
  [/^\/publishers/, { publishers: [publisher], next: null }],
  [/^\/audit/, { acts: [act], next: null }],
  [/^\/acts/, { at: 1, status: 200, act: 1 }],
  [/^\/people/, { members: [member] }],
  [/^\/tokens/, { tokens: [token] }],
  [/^\/doctor/, { version: '0', at: 1, checks: [] }],
]

/** The same answer of a deployment on its first day: its lists are empty, and no site is published. */
export function firstBodyOf(order: ConsoleOrder): object | undefined {
  const body = bodyOf(order)
  const first = Object.entries(body ?? {}).map(([name, value]) => [
    name,
    Array.isArray(value) ? [] : name === 'published' ? null : value,
  ])
  return body && Object.fromEntries(first)
}

/** The answer to a request that reads; undefined where nothing is known by its path. */
export function bodyOf({ path }: ConsoleOrder): object | undefined {
  return BODIES.find(([shape]) => shape.test(path))?.[1]
}
