/** Accounts over HTTP: channels, payers of `exact` and credit lines alike, each as it is itself and not as the book has it. */
import { type Context, Hono } from 'hono'
import { listings } from '../ledger/book/accounts.ts'
import { lines } from '../ledger/book/credit.ts'
import type { Entry } from '../ledger/channel/types.ts'
import type { LineEntry, LineStanding } from '../ledger/credit/types.ts'
import { isHex } from '../protocol/evm/hex.ts'
import { isAgentId } from './requests.ts'
import { limitOf, nextOf, notFound, numberOf, write } from './response.ts'
import type { Line, OperatorSettings } from './settings.ts'

const PAYER = /^eip155:[1-9][0-9]{0,15}:0x[0-9a-f]{40}$/

export function accountRoutes(settings: OperatorSettings): Hono {
  const app = new Hono()
  app.get('/', async (c) => {
    const limit = limitOf(c)
    const accounts = await listed(settings, c.req.query('after') ?? '', limit)
    return write({ accounts, next: nextOf(accounts, limit, ({ id }) => id) })
  })
  app.get('/:id', (c) => accountOf(c, settings, c.req.param('id')))
  return app
}

/** One page of all accounts of the book, in order of id. */
export async function listed({ book, credit }: OperatorSettings, after: string, limit: number) {
  const [accounts, onCredit] = await Promise.all([
    listings(book, after, limit),
    credit ? lines(book, after, limit) : [],
  ])
  const all = [
    ...accounts,
    ...onCredit.map(({ cursor: _, ...line }) => ({ ...line, kind: 'credit' as const })),
  ]
  return all.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit)
}

/** What a line may still spend, and why not, if it may not. Amounts in micro-dollars. */
export function balanceOf({ charged, redeemed, credit, limit, closed }: LineStanding) {
  const owed = charged - redeemed
  const left = limit + credit - owed
  const available = closed !== null || left < 0n ? 0n : left
  return { status: closed ?? 'open', limit, charged, redeemed, owed, credit, available }
}

/** An entry of a line. The signature and what was signed are left out unless they are asked for. */
export function lineEntryView({ body, once: _, ...entry }: LineEntry, evidence: boolean) {
  if (body === null) return entry
  const document = JSON.parse(body) as Record<string, unknown>
  if (entry.kind === 'charge') return evidence ? { ...entry, evidence: document } : entry
  // A payment on its way is signed.
  if (entry.kind === 'attempt' && !evidence) delete document.detail
  return { ...entry, document }
}

/** An entry of a channel, as {@link lineEntryView}. */
export function entryView({ signature, ...entry }: Entry, evidence: boolean) {
  return evidence ? { ...entry, signature } : entry
}

/** A page of a line's journal, after entry `?after=`. */
export async function entriesOf(c: Context, line: Line, evidence: boolean) {
  const entries = await line.entries(numberOf(c.req.query('after'), 0), limitOf(c))
  return {
    entries: entries.map((entry) => lineEntryView(entry, evidence)),
    next: entries.at(-1)?.seq ?? null,
  }
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
  const account = { id, kind: 'credit', name: enrolment.name, openedAt, standing: balanceOf(standing) }
  return write({ ...account, ...(await entriesOf(c, line, evidence)) })
}

async function channelOf(c: Context, { accounts }: OperatorSettings, id: string, evidence: boolean) {
  const account = accounts.getByName(id)
  const standing = await account.standing()
  if (!standing) return notFound()
  const entries = await account.entries(numberOf(c.req.query('after'), 0), limitOf(c))
  const { signature, ...totals } = standing
  return write({
    id,
    kind: 'channel',
    standing: evidence ? standing : totals,
    entries: entries.map((entry) => entryView(entry, evidence)),
    next: entries.at(-1)?.seq ?? null,
  })
}

async function exactOf(c: Context, { authorizations }: OperatorSettings, id: string, evidence: boolean) {
  const payer = authorizations.getByName(id)
  const limit = limitOf(c)
  const [totals, uses] = await Promise.all([payer.totals(), payer.uses(c.req.query('after') ?? '', limit)])
  const payments = uses.map(({ signature, ...use }) => (evidence ? { ...use, signature } : use))
  return write({ id, kind: 'exact', totals, payments, next: nextOf(uses, limit, ({ id }) => id) })
}
