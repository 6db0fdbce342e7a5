/** Credit lines to bill: `/lines` opens and charges some, `/run` makes one nightly run and counts its calls and rows. */

import type { Bindings } from '../../src/app/bindings.ts'
import { CreditLine as RealLine, Numbers as RealNumbers } from '../../src/app/objects.ts'
import { workOf } from '../../src/app/work.ts'
import { periodOf } from '../../src/ledger/billing/period.ts'
import { findRun } from '../../src/ledger/book/runs.ts'
import { makeRun } from '../../src/settlement/run.ts'
import { countCalls } from './calls.ts'

export { Account, Agents, Authorizations, Directory, Relayer } from '../../src/app/objects.ts'

type Lines = { first: number; last: number; charges: number; price: string }

let calls = 0
const rows = { lines: 0, numbers: 0, book: 0 }

export class CreditLine extends RealLine {
  constructor(ctx: DurableObjectState, env: { BOOK: D1Database }) {
    countRows(ctx.storage, 'lines')
    super(ctx, env)
  }
}

export class Numbers extends RealNumbers {
  constructor(ctx: DurableObjectState, env: unknown) {
    countRows(ctx.storage, 'numbers')
    super(ctx, env)
  }
}

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === '/run') return Response.json(await run(env))
    await open(await request.json<Lines>(), env)
    return new Response(null, { status: 204 })
  },
} satisfies ExportedHandler<Bindings>

async function open({ first, last, charges, price }: Lines, { LINES }: Bindings): Promise<void> {
  const ids = Array.from({ length: last - first + 1 }, (_, at) => `crawler-${first + at}`)
  const evidence = {
    keyId: 'key',
    algorithm: 'ed25519',
    signature: 'c2ln',
    base: '"@authority": site.example',
  }
  const buyer = { name: 'Crawl BV', country: 'NL', taxId: 'NL123456789B01' }
  const limit = 10n ** 9n
  const terms = { limit, probation: limit, period: 'daily', rail: 'transfer', tier: null, buyer } as const
  await Promise.all(
    ids.map(async (agent) => {
      const enrolment = { agent, name: agent, version: 1, suspended: null, terms }
      const order = { promised: BigInt(price), price: BigInt(price), site: 'site.example', rule: 'default' }
      const orders = Array.from({ length: charges }, (_, charge) => {
        const names = { id: `${charge}`, iou: `${agent}-${charge}`, once: `${agent}-${charge}` }
        const request = `GET https://site.example/articles/${charge}`
        return { ...order, ...names, request, evidence, enrolment }
      })
      const line = LINES?.getByName(agent)
      const answers = await Promise.all(orders.map((order) => line?.place(order)))
      if (answers.some((answer) => answer?.outcome !== 'charged')) throw new Error(`charging ${agent} failed`)
    }),
  )
}

/** Runs the settlement at a time when the period of all charges has ended. */
async function run(env: Bindings) {
  const { to: moment } = periodOf('daily', Date.now() + DAY)
  calls = 0
  for (const table of TABLES) rows[table] = 0
  const BOOK = countBook(env.BOOK)
  const counted = countCalls({ ...env, BOOK }, ['LINES', 'NUMBERS'], () => calls++)
  const work = workOf(counted)
  if (!work) throw new Error('billing must be configured')
  let most = 0
  const steps = {
    // The workflow engine stores results as JSON.
    async do<Value>(_: string, work: () => Promise<Value>): Promise<Value> {
      const before = calls
      const value = JSON.stringify(await work())
      most = Math.max(most, calls - before)
      // The engine stores the result of a step. Without such a pause, the runtime does not evict objects.
      await scheduler.wait(1)
      return JSON.parse(value) as Value
    },
    sleep: async () => undefined,
  }
  const id = crypto.randomUUID()
  const status = await makeRun(work, steps, id, {
    kind: 'billing',
    window: id,
    startedBy: 'operator',
    moment,
  })
  const found = await findRun(env.BOOK, id)
  return { status, rows, calls, most, bill: found?.record.bill }
}

const DAY = 86_400_000
const TABLES = ['lines', 'numbers', 'book'] as const

/** The rows written are known as soon as a query has run. */
function countRows({ sql }: DurableObjectStorage, table: 'lines' | 'numbers'): void {
  const exec = sql.exec.bind(sql)
  const counting: typeof exec = (query, ...bound) => {
    const cursor = exec(query, ...bound)
    rows[table] += cursor.rowsWritten
    return cursor as never
  }
  Object.defineProperty(sql, 'exec', { value: counting })
}

/** Counts batches only: apart from its own record, a run writes in batches. */
function countBook(book: D1Database): D1Database {
  return new Proxy(book, {
    get(target, name) {
      if (name === 'prepare') return target.prepare.bind(target)
      if (name !== 'batch') return undefined
      return async (statements: D1PreparedStatement[]) => {
        calls++
        const results = await target.batch(statements)
        for (const { meta } of results) rows.book += meta.rows_written
        return results
      }
    },
  })
}
