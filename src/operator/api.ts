/** The operator's API: start a run, read runs and accounts. JSON, amounts as decimal strings in atomic units. */
import { type Context, Hono } from 'hono'
import { findRun, listings, runs } from '../ledger/book.ts'
import { isHex } from '../protocol/hex.ts'
import { startRun, statusOf } from '../settlement/workflow.ts'
import type { OperatorSettings } from './settings.ts'
import { bears } from './token.ts'

/** Where the API is mounted. Everything else below `/_tab402` is not found. */
export const OPERATOR_PATH = '/_tab402'

export type { OperatorSettings }

const MOST = 500
const PAYER = /^eip155:[1-9][0-9]{0,15}:0x[0-9a-f]{40}$/
const RUN = /^(settle|watch)-[0-9]{8}T[0-9]{6}$/

/** The API below {@link OPERATOR_PATH}, for one set of settings. `now` in Unix milliseconds. */
export function operatorApi(settings: OperatorSettings, now: () => number): Hono {
  const api = new Hono().basePath(OPERATOR_PATH)
  api.use('*', async (c, next) => {
    c.header('cache-control', 'no-store')
    if (!settings.tokenSha256 || !c.req.path.startsWith(`${OPERATOR_PATH}/api/`)) return notFound(c)
    if (await bears(c.req.header('authorization'), settings.tokenSha256)) return next()
    c.header('www-authenticate', 'Bearer')
    return c.json({ error: 'unauthorized' }, 401)
  })
  api.post('/api/runs', async (c) => c.json(await startRun(settings.settlement, now(), 'operator'), 202))
  api.get('/api/runs', async (c) => write(c, { runs: await runs(settings.book, limitOf(c)) }))
  api.get('/api/runs/:id', async (c) => runOf(c, settings, c.req.param('id')))
  api.get('/api/accounts', async (c) => {
    const limit = limitOf(c)
    const accounts = await listings(settings.book, c.req.query('after') ?? '', limit)
    return write(c, { accounts, next: accounts.length < limit ? null : accounts.at(-1)?.id })
  })
  api.get('/api/accounts/:id', async (c) => accountOf(c, settings, c.req.param('id')))
  api.notFound(notFound)
  return api
}

/** The record and, while the engine remembers it, the state of the Workflow. A run that has just begun has no record yet. */
async function runOf(c: Context, { book, settlement }: OperatorSettings, id: string): Promise<Response> {
  if (!RUN.test(id)) return notFound(c)
  const [run, workflow] = await Promise.all([
    findRun(book, id),
    id.startsWith('settle-') ? statusOf(settlement, id) : null,
  ])
  return run || workflow ? write(c, { run, workflow }) : notFound(c)
}

/** The account itself, not its line in the book; of a channel with a page of its journal after `?after=`. */
async function accountOf(c: Context, settings: OperatorSettings, id: string): Promise<Response> {
  if (PAYER.test(id)) {
    return write(c, { id, kind: 'exact', totals: await settings.authorizations.getByName(id).totals() })
  }
  if (!isHex(id, 32)) return notFound(c)
  const account = settings.accounts.getByName(id.toLowerCase())
  const standing = await account.standing()
  if (!standing) return notFound(c)
  const entries = await account.entries(numberOf(c.req.query('after'), 0), limitOf(c))
  return write(c, { id: standing.channelId, kind: 'channel', standing, entries, next: entries.at(-1)?.seq })
}

function notFound(c: Context): Response {
  return c.json({ error: 'not_found' }, 404)
}

function write(c: Context, body: unknown): Response {
  const text = JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
  return c.body(text, 200, { 'content-type': 'application/json' })
}

function limitOf(c: Context): number {
  const limit = numberOf(c.req.query('limit'), 100)
  return limit < 1 ? 1 : limit > MOST ? MOST : limit
}

/** A count in a query; anything else is the default. */
function numberOf(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? +text : otherwise
}
