/** Accounts over HTTP: channels, payers of `exact` and credit lines. One account is read from its object, lists from D1. */

import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { CreditLineStub } from '../billing/context.ts'
import { readChannels } from '../chain/channels.ts'
import { ACCOUNT_ORDERS, ACCOUNT_STATES, accountPage } from '../ledger/book/account-list.ts'
import { KIND } from '../ledger/book/accounts.ts'
import type { Entry } from '../ledger/channel/types.ts'
import type { LineEntry, LineStanding } from '../ledger/credit/types.ts'
import { networkOfChannel } from '../protocol/evm/eip712.ts'
import { isHex } from '../protocol/evm/hex.ts'
import { act } from './audit.ts'
import { filterText, pageOfQuery, wordOf } from './list-query.ts'
import { isAgentId } from './requests.ts'
import { jsonResponse, nextOf, notFound, numberOf, pageLimit, problem } from './response.ts'
import { actorOf, needs, type OperatorEnv } from './rights.ts'
import { saleFilterOf } from './sale-filter.ts'
import type { OperatorSettings } from './settings.ts'

const PAYER = /^eip155:[1-9][0-9]{0,15}:0x[0-9a-f]{40}$/

/** Routes below `/api/accounts`. */
export function accountRoutes(settings: OperatorSettings): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>()
  app.get('/', needs('money.read'), async (c) => {
    const page = pageOfQuery(c, ACCOUNT_ORDERS, BY_ID)
    if (page instanceof Response) return page
    const kind = wordOf(c, 'kind', Object.values(KIND))
    if (kind instanceof Response) return kind
    const state = wordOf(c, 'state', ACCOUNT_STATES)
    if (state instanceof Response) return state
    const listed = await accountPage(settings.book, { kind, state, text: filterText(c, 'text') }, page)
    return jsonResponse({
      accounts: listed.map(({ account }) => account),
      next: nextOf(listed, page.limit, ({ place }) => place),
    })
  })
  app.get('/:id', needs('money.read'), (c) => accountOf(c, settings, c.req.param('id')))
  app.post('/:id/reread', needs('runs.write'), (c) =>
    reread(settings, actorOf(c), c.req.param('id').toLowerCase()),
  )
  app.post('/:id/lift', needs('money.write'), (c) =>
    lift(settings, actorOf(c), c.req.param('id').toLowerCase()),
  )
  return app
}

const BY_ID = { by: null, isDown: false }

/** One page of all accounts of the read model, in order of id. */
export async function listed({ book }: OperatorSettings, after: string, limit: number) {
  const page = await accountPage(book, {}, { order: BY_ID, after, limit })
  return page.map(({ account }) => account)
}

/** The balance of a credit line: what it can still spend, and its status. Amounts in micro-dollars. */
export function balanceOf({ authorized, charged, redeemed, credit, limit, closed }: LineStanding) {
  const owed = charged - redeemed
  const left = limit + credit - owed
  const available = closed !== null || left < 0n ? 0n : left
  return { status: closed ?? 'open', limit, authorized, charged, redeemed, owed, credit, available }
}

/** An entry of a credit line. `evidence` includes the signature and the signed data. */
export function lineEntryView({ body, once: _, ...entry }: LineEntry, evidence: boolean) {
  if (body === null) return entry
  const document = JSON.parse(body) as Record<string, unknown>
  if (entry.kind === 'charge') return evidence ? { ...entry, evidence: document } : entry
  // The detail of an attempt holds a signed payment.
  if (entry.kind === 'attempt' && !evidence) delete document.detail
  return { ...entry, document }
}

/** An entry of a channel. `evidence` includes the signature. */
export function entryView({ signature, ...entry }: Entry, evidence: boolean) {
  return evidence ? { ...entry, signature } : entry
}

/**
 * A page of a credit line's journal: the entries after number `after` of the query, those of the sales that it asks for. A page
 * may be short or empty before the last one.
 */
export async function entriesOf(c: Context, line: CreditLineStub, evidence: boolean) {
  const entries = await line.entries(numberOf(c.req.query('after'), 0), pageLimit(c), isNewestFirst(c))
  return {
    entries: entries.filter(saleFilterOf(c)).map((entry) => lineEntryView(entry, evidence)),
    next: entries.at(-1)?.seq ?? null,
  }
}

/** Whether a journal is asked for from its end: `after` is then the number of the entry above the page. */
function isNewestFirst(c: Context): boolean {
  return c.req.query('sort') === '-entry'
}

async function accountOf(c: Context, settings: OperatorSettings, id: string): Promise<Response> {
  const evidence = c.req.query('evidence') === 'true'
  if (PAYER.test(id)) return exactOf(c, settings, id, evidence)
  if (isHex(id, 32)) return channelOf(c, settings, id.toLowerCase(), evidence)
  if (!settings.credit || !isAgentId(id)) return notFound()
  const line = settings.credit.lines.getByName(id)
  const standing = await line.standing()
  if (!standing) return notFound()
  const { enrolment, openedAt } = standing
  const account = { id, kind: KIND.credit, name: enrolment.name, openedAt, standing: balanceOf(standing) }
  return jsonResponse({ ...account, ...(await entriesOf(c, line, evidence)) })
}

async function channelOf(c: Context, { accounts }: OperatorSettings, id: string, evidence: boolean) {
  const account = accounts.getByName(id)
  const standing = await account.standing()
  if (!standing) return notFound()
  const entries = await account.entries(numberOf(c.req.query('after'), 0), pageLimit(c), isNewestFirst(c))
  const { signature, ...totals } = standing
  return jsonResponse({
    id,
    kind: KIND.channel,
    network: networkOfChannel(standing.channelId, standing.config),
    standing: evidence ? standing : totals,
    entries: entries.filter(saleFilterOf(c)).map((entry) => entryView(entry, evidence)),
    next: entries.at(-1)?.seq ?? null,
  })
}

/** Reads a channel from the chain and stores its state, also of a lower block than the account's own. */
async function reread({ accounts, networks, audit }: OperatorSettings, who: string, id: string) {
  const account = isHex(id, 32) ? accounts.getByName(id) : null
  const before = await account?.standing()
  const network = before && networkOfChannel(before.channelId, before.config)
  const chain = networks.find(({ id }) => id === network)?.chain
  if (!chain || !account || !before) return notFound()
  const work = async () => {
    const [state] = await readChannels(chain, [before.channelId])
    if (!state) throw new Error('the chain must return the channel')
    const { signature: _, ...standing } = await account.observe(state, null, true)
    return { after: standing.state, standing }
  }
  const subject = { who, what: 'account.reread', subject: id, before: before.state, asked: {} }
  const { standing } = await act(audit, subject, work)
  return jsonResponse({ id, standing })
}

/** Takes a channel out of quarantine: the next run claims from it with the others, and puts it back if its claim fails. */
async function lift({ accounts, audit }: OperatorSettings, who: string, id: string) {
  const account = isHex(id, 32) ? accounts.getByName(id) : null
  const before = await account?.standing()
  if (!account || !before) return notFound()
  const { quarantine } = before
  if (quarantine === null) return problem('not_quarantined')
  const work = async () => {
    await account.quarantine(null)
    return { after: { quarantine: null } }
  }
  const subject = { who, what: 'account.lift', subject: id, before: { quarantine }, asked: {} }
  await act(audit, subject, work)
  return jsonResponse({ id, quarantine: null })
}

async function exactOf(c: Context, { authorizations }: OperatorSettings, id: string, evidence: boolean) {
  const payer = authorizations.getByName(id)
  const limit = pageLimit(c)
  const [totals, uses, hold] = await Promise.all([
    payer.totals(),
    payer.uses(c.req.query('after') ?? '', limit),
    payer.hold(),
  ])
  const payments = uses
    .filter(saleFilterOf(c))
    .map(({ signature, ...use }) => (evidence ? { ...use, signature } : use))
  const account = { id, kind: KIND.exact, totals, ...(hold && { hold }) }
  return jsonResponse({ ...account, payments, next: nextOf(uses, limit, ({ id }) => id) })
}
