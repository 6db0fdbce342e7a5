/** Exports: CSV for spreadsheets and NDJSON for programs, streamed from the accounts themselves. */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { notesOn } from '../billing/credit-note.ts'
import { owedOn } from '../ledger/billing/dunning.ts'
import type { CreditNote, InvoiceStanding } from '../ledger/billing/types.ts'
import { KIND } from '../ledger/book/accounts.ts'
import { lines } from '../ledger/book/credit.ts'
import { type Cell, csv, csvRow } from '../platform/csv.ts'
import { writeJson } from '../platform/json.ts'
import { mapConcurrently } from '../platform/pool.ts'
import type { SignedStatement } from '../protocol/statement.ts'
import { entryView, lineEntryView, listed } from './accounts.ts'
import { invoiceView } from './invoices.ts'
import { exported, formOf } from './requests.ts'
import { download, jsonResponse, streamOf } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import { type SaleFilter, saleFilterOf } from './sale-filter.ts'
import type { CreditSettings, OperatorSettings } from './settings.ts'
import { signedOf } from './statements.ts'

/** One kind of export: how to read its items page by page, and how to write one as CSV rows or as JSON. */
type Export<Item> = {
  columns: readonly string[]
  pages(scope: Scope): AsyncGenerator<Item[]>
  rows(item: Item): Cell[][]
  object(item: Item): unknown
}

/** The request's part of an export: `after` is the id of an account. */
type Scope = { settings: OperatorSettings; after: string; evidence: boolean; isAsked: SaleFilter }

const PAGE = 500

/** Routes below `/api/export`. `after` continues after an account. Three of the five files need credit. */
export function exportRoutes(settings: OperatorSettings): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  const scope = (c: Context): Scope => ({
    settings,
    after: c.req.query('after') ?? '',
    evidence: c.req.query('evidence') === 'true',
    isAsked: saleFilterOf(c),
  })
  // A list that a client exports by its pages, as the console does: the log has it before the first page.
  app.post('/', needs('export'), async (c) => {
    const form = await formOf(c, exported)
    if (form instanceof Response) return form
    const { list, query } = form
    await settings.audit?.note({
      ...{ who: actorOf(c), what: 'export', subject: list, before: null },
      after: JSON.stringify({ query }),
    })
    return jsonResponse({ list })
  })
  addRoutes(app, 'accounts', ACCOUNTS, scope)
  addRoutes(app, 'entries', ENTRIES, scope)
  if (!settings.credit) return app
  addRoutes(app, 'statements', statementsOf(settings.credit), scope)
  addRoutes(app, 'invoices', invoicesOf(settings.credit), scope)
  addRoutes(app, 'credit-notes', creditNotesOf(settings.credit), scope)
  return app
}

function addRoutes<Item>(
  app: Hono<OperatorEnv>,
  name: string,
  what: Export<Item>,
  scope: (c: Context) => Scope,
): void {
  app.get(`/${name}.csv`, needs('export'), (c) => {
    const table = texts(
      what.pages(scope(c)),
      (item) => what.rows(item).map(csvRow).join(''),
      csv(what.columns, []),
    )
    return download(streamOf(table), `${name}.csv`, 'text/csv')
  })
  app.get(`/${name}.ndjson`, needs('export'), (c) => {
    const objects = texts(what.pages(scope(c)), (item) => `${writeJson(what.object(item))}\n`)
    return download(streamOf(objects), `${name}.ndjson`, 'application/x-ndjson')
  })
}

async function* texts<Item>(pages: AsyncGenerator<Item[]>, textOf: (item: Item) => string, head = '') {
  if (head !== '') yield head
  for await (const page of pages) yield page.map(textOf).join('')
}

/** All pages of a list that is sorted by id, after an id. */
async function* pagesOf<Item extends { id: string }>(
  after: string,
  read: (after: string) => Promise<Item[]>,
): AsyncGenerator<Item[]> {
  let from = after
  for (;;) {
    const page = await read(from)
    yield page
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    from = last.id
  }
}

function accountPages({ settings, after }: Scope) {
  return pagesOf(after, (from) => listed(settings, from, PAGE))
}

function linePages({ settings, after }: Scope) {
  return pagesOf(after, (from) => lines(settings.book, from, PAGE))
}

type Listed = Awaited<ReturnType<typeof listed>>[number]

type Account = {
  id: string
  kind: Listed['kind']
  name: string
  /** CAIP-2; null for credit. */
  network: string | null
  openedAt: number
  authorized: bigint
  charged: bigint
  redeemed: bigint
  credit: bigint
  ceiling: bigint | null
  /** The reason why the account rejects charges, or is left out of claims. */
  closed: string | null
}

const ACCOUNTS: Export<Account> = {
  columns: [
    'account',
    'kind',
    'name',
    'opened',
    'authorized',
    'charged',
    'redeemed',
    KIND.credit,
    'ceiling',
    'closed',
    'network',
  ],
  async *pages(scope) {
    for await (const page of accountPages(scope)) {
      yield await mapConcurrently(page, (account) => readAccount(scope, account), rethrow)
    }
  },
  rows: ({ id, kind, name, openedAt, authorized, charged, redeemed, credit, ceiling, closed, network }) => [
    [id, kind, name, iso(openedAt), authorized, charged, redeemed, credit, ceiling, closed, network],
  ],
  object: (account) => account,
}

/** Reads an account from its object. */
async function readAccount({ settings }: Scope, listing: Listed): Promise<Account> {
  const { id, openedAt } = listing
  const nothing = { authorized: 0n, charged: 0n, redeemed: 0n, credit: 0n, ceiling: null, closed: null }
  switch (listing.kind) {
    case KIND.exact: {
      const { received } = await settings.authorizations.getByName(id).totals()
      const totals = { authorized: received, charged: received, redeemed: received }
      const { kind, payer: name, network } = listing
      return { ...nothing, id, kind, name, network, openedAt, ...totals }
    }
    case KIND.channel: {
      const standing = await settings.accounts.getByName(id).standing()
      const { kind, payer: name, network } = listing
      const known = { id, kind, name, network, openedAt }
      if (!standing) return { ...nothing, ...known }
      const { authorized, charged, redeemed, credit, state, quarantine: closed } = standing
      return { ...known, authorized, charged, redeemed, credit, ceiling: state.balance, closed }
    }
    case KIND.credit: {
      const standing = await settings.credit?.lines.getByName(id).standing()
      const known = { id, kind: listing.kind, name: listing.name, network: null, openedAt }
      if (!standing) return { ...nothing, ...known }
      const { authorized, charged, redeemed, credit, limit, closed } = standing
      return { ...known, authorized, charged, redeemed, credit, ceiling: redeemed + limit, closed }
    }
  }
}

type ExportedEntry = {
  account: string
  seq: number | null
  at: number | null
  kind: string
  amount: bigint
  charged?: bigint
  redeemed?: bigint
  site?: string | null
  rule?: string | null
  policy?: number | null
  who?: string | null
  request: string | null
  iou?: string | null
  of?: number | null
  id: string
  transaction?: string | null
}

const ENTRIES: Export<ExportedEntry> = {
  columns: [
    'account',
    'entry',
    'at',
    'kind',
    'amount',
    'charged',
    'redeemed',
    'site',
    'rule',
    'policy',
    'who',
    'request',
    'iou',
    'of',
    'id',
    'transaction',
  ],
  async *pages(scope) {
    for await (const page of accountPages(scope)) {
      for (const account of page) yield* entryPages(scope, account)
    }
  },
  rows: (entry) => {
    const { account, seq, at, kind, amount, charged = null, redeemed = null } = entry
    const { site = null, rule = null, policy = null, who = null } = entry
    const { request, iou = null, of = null, id, transaction = null } = entry
    const when = at === null ? null : iso(at)
    const sold = [site, rule, policy, who, request]
    return [[account, seq, when, kind, amount, charged, redeemed, ...sold, iou, of, id, transaction]]
  },
  object: (entry) => entry,
}

async function* entryPages(scope: Scope, { id: account, kind }: Listed): AsyncGenerator<ExportedEntry[]> {
  if (kind === KIND.exact) return yield* paymentPages(scope, account)
  const { settings, evidence, isAsked } = scope
  const line = kind === KIND.credit ? settings.credit?.lines.getByName(account) : undefined
  let after = 0
  for (;;) {
    const page = line
      ? (await line.entries(after, PAGE)).map((entry) => lineEntryView(entry, evidence))
      : (await settings.accounts.getByName(account).entries(after, PAGE)).map((entry) =>
          entryView(entry, evidence),
        )
    yield page.filter(isAsked).map((entry) => ({ account, ...entry }))
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last.seq
  }
}

async function* paymentPages(
  { settings, evidence, isAsked }: Scope,
  account: string,
): AsyncGenerator<ExportedEntry[]> {
  const payer = settings.authorizations.getByName(account)
  for await (const page of pagesOf('', (after) => payer.uses(after, PAGE))) {
    yield page.filter(isAsked).map(({ signature, status, ...use }) => {
      const entry = { account, seq: null, kind: `exact ${status}`, ...use }
      return evidence ? { ...entry, signature } : entry
    })
  }
}

/** A signed statement whole, with the filter of its lines for a table. */
type AskedStatement = { signed: SignedStatement; isAsked: SaleFilter }

const statementsOf = (credit: CreditSettings): Export<AskedStatement> => ({
  columns: [
    'agent',
    'period',
    'day',
    'site',
    'rule',
    'charges',
    'releases',
    'amount',
    'root',
    'policy',
    'who',
  ],
  async *pages(scope) {
    const { settings } = scope
    if (!settings.billing) return
    const { seal } = await settings.billing()
    for await (const page of linePages(scope)) {
      for (const { id } of page) {
        const line = credit.lines.getByName(id)
        for (const { period } of await line.statements()) {
          const signed = await signedOf(line, period.id, credit, seal)
          if (signed?.statement.lines.some(scope.isAsked)) yield [{ signed, isAsked: scope.isAsked }]
        }
      }
    }
  },
  rows: ({ signed: { statement }, isAsked }) => {
    const { agent, period, lines, entries } = statement
    return lines
      .filter(isAsked)
      .map(({ day, site, rule, charges, releases, amount, policy = null, who = null }) => [
        agent.id,
        period.id,
        day,
        site,
        rule,
        charges,
        releases,
        BigInt(amount),
        entries.root,
        policy,
        who,
      ])
  },
  object: ({ signed }) => signed,
})

const invoicesOf = (credit: CreditSettings): Export<InvoiceStanding> => ({
  columns: [
    'invoice',
    'agent',
    'buyer',
    'country',
    'tax_id',
    'from',
    'to',
    'issued',
    'due',
    'rail',
    'stage',
    'charged',
    'carried_in',
    'carried_out',
    'net',
    'vat_rate',
    'vat',
    'total',
    'credited',
    'paid',
    'owed',
  ],
  async *pages(scope) {
    for await (const page of linePages(scope)) {
      const found = await mapConcurrently(page, ({ id }) => credit.lines.getByName(id).invoices(), rethrow)
      yield found.flat()
    }
  },
  rows: (invoice) => {
    const { id, agent, buyer, from, to, issuedAt, dueAt, rail, stage, charged, carriedIn, carriedOut } =
      invoice
    const { net, vat, total, credited, paid } = invoice
    const who = [id, agent, buyer.name, buyer.country, buyer.taxId ?? null]
    const when = [iso(from), iso(to), iso(issuedAt), iso(dueAt)]
    const sums = [charged, carriedIn, carriedOut, net, vat.rate / 100, vat.amount, total, credited, paid]
    return [[...who, ...when, rail, stage, ...sums, owedOn(invoice)]]
  },
  object: invoiceView,
})

type Noted = CreditNote & { agent: string }

const creditNotesOf = (credit: CreditSettings): Export<Noted> => ({
  columns: ['credit_note', 'invoice', 'agent', 'issued', 'reason', 'net', 'vat', 'total', 'reference'],
  async *pages(scope) {
    for await (const page of invoicesOf(credit).pages(scope)) {
      const reduced = page.filter(({ credited }) => credited > 0n)
      const notes = async ({ agent, id }: InvoiceStanding) =>
        (await notesOn(credit.lines.getByName(agent), id)).map((note) => ({ ...note, agent }))
      yield (await mapConcurrently(reduced, notes, rethrow)).flat()
    }
  },
  rows: ({ id, invoice, agent, issuedAt, reason, net, vat, total, reference = null }) => [
    [id, invoice, agent, iso(issuedAt), reason, net, vat, total, reference],
  ],
  object: (note) => note,
})

function rethrow(_: unknown, fault: unknown): never {
  throw fault
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
