/** The figures in D1 equal the journal, after any charges, releases, restarts and reports that were lost or repeated. */
import { env, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EntrySales } from '../../../src/ledger/figures/entries.ts'
import {
  FigureReports,
  type Reported,
  type SalesJournal,
  type Unreported,
} from '../../../src/ledger/figures/report.ts'
import { type OpenChannel, openChannel } from '../channel/harness.ts'
import { newLine } from '../credit/harness.ts'

type Charged = { entry: number; id: string }
type Account = {
  charge(page: string): Promise<Charged>
  release(charge: Charged): Promise<unknown>
  lower(charge: Charged): Promise<unknown>
  wake(): Promise<unknown>
  restart(): Promise<unknown>
  ring(): Promise<unknown>
  report(): Promise<Reported | Unreported | null>
  /** A report whose answer from D1 is lost, before or after D1 has applied it. */
  lose(when: 'before' | 'after'): Promise<unknown>
}

/** Each page is another, or a voucher could be a replay of an earlier one. */
let pages = 0

const soldOn = (page: string) => ({
  site: page.slice(0, 1),
  rule: 'default',
  who: '~Bot',
  request: `GET https://a.test/${page}/${++pages}`,
})

/** A database that fails a batch before or after it was applied. */
function failing(when: 'before' | 'after'): D1Database {
  const batch = async (statements: D1PreparedStatement[]) => {
    if (when === 'after') await env.BOOK.batch(statements)
    throw new Error('D1 is away')
  }
  return { batch, prepare: (query: string) => env.BOOK.prepare(query) } as unknown as D1Database
}

function losing(account: string, kind: 'channel' | 'credit', when: 'before' | 'after') {
  return async (_: unknown, { storage }: DurableObjectState) => {
    const journal: SalesJournal = new EntrySales(storage.sql)
    await new FigureReports(failing(when), journal, () => ({ kind, account })).report().catch(() => null)
  }
}

async function channelAccount(): Promise<Account> {
  const channel: OpenChannel = await openChannel({ balance: 10_000_000n })
  const { account } = channel
  return {
    async charge(page) {
      const { entry, order } = await channel.charge('', soldOn(page))
      return { entry, id: order.id }
    },
    release: ({ entry, id }) => account().release(entry, id),
    lower: ({ entry, id }) => account().lower(entry, id, 300n),
    wake: channel.standing,
    restart: channel.restart,
    ring: () => runDurableObjectAlarm(account()),
    report: () => account().report(),
    lose: (when) => runInDurableObject(account(), losing(channel.id, 'channel', when)),
  }
}

async function lineAccount(): Promise<Account> {
  const line = newLine({ limit: 1_000_000n, probation: 1_000_000n })
  await line.line().configure(line.enrolment)
  return {
    async charge(page) {
      const { entry, order } = await line.charge(soldOn(page))
      return { entry, id: order.id }
    },
    release: ({ entry, id }) => line.line().release(entry, id),
    lower: ({ entry, id }) => line.line().lower(entry, id, 300n),
    wake: line.standing,
    restart: line.restart,
    ring: () => runDurableObjectAlarm(line.line()),
    report: () => line.line().report(),
    lose: (when) => runInDurableObject(line.line(), losing(line.enrolment.agent, 'credit', when)),
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('charge' as const), page: fc.constantFrom('a/1', 'a/2', 'b/1') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'lower' as const), of: fc.nat(5) }),
  },
  fc.record({
    do: fc.constantFrom('restart' as const, 'ring' as const, 'repeat' as const, 'forget' as const),
  }),
  fc.record({ do: fc.constant('lose' as const), when: fc.constantFrom('before' as const, 'after' as const) }),
)

type Row = { site: string; path: string; charges: number; releases: number; charged: number }

/** The figures as they must be, counted by hand. */
class Model {
  readonly #rows = new Map<string, Row>()
  readonly charges: (Charged & { row: Row; left: number; isLowered: boolean })[] = []

  charge(page: string, charged: Charged): void {
    const path = `/${page}`
    const row = this.#rows.get(path) ?? { site: page.slice(0, 1), path, charges: 0, releases: 0, charged: 0 }
    this.#rows.set(path, row)
    row.charges++
    row.charged += 1000
    this.charges.push({ ...charged, row, left: 1000, isLowered: false })
  }

  rows(): Row[] {
    return [...this.#rows.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  }
}

async function forget(): Promise<void> {
  const tables = ['figure', 'figure_day', 'figure_path', 'figure_name', 'receipt', 'figure_cursor']
  await env.BOOK.batch(tables.map((table) => env.BOOK.prepare(`DELETE FROM ${table}`)))
}

it.each([
  ['a channel account', channelAccount],
  ['a credit line', lineAccount],
])('the figures of %s equal its journal, whatever was lost or repeated', async (_, newAccount) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      await forget()
      const account = await newAccount()
      const model = new Model()
      for (const what of steps) {
        if (what.do === 'charge') model.charge(what.page, await account.charge(what.page))
        else if (what.do === 'release' || what.do === 'lower') {
          const charge = model.charges[what.of]
          if (!charge || charge.left === 0 || (what.do === 'lower' && charge.isLowered)) continue
          // A page is lowered on its way to the client; it is not released after that.
          if (what.do === 'release' && charge.isLowered) continue
          await account[what.do](charge)
          const by = what.do === 'release' ? charge.left : 700
          charge.left -= by
          charge.row.charged -= by
          if (what.do === 'release') charge.row.releases++
          else charge.isLowered = true
        } else if (what.do === 'lose') await account.lose(what.when)
        else if (what.do === 'repeat') await Promise.all([account.report(), account.report()])
        else if (what.do === 'forget') await forget()
        else {
          // Only an object that runs can restart.
          await account.wake()
          await account[what.do]()
        }
      }
      const reported = await account.report()
      const { results } = await env.BOOK.prepare(
        'SELECT site, path, sum(charges) AS charges, sum(releases) AS releases, sum(charged) AS charged FROM figure GROUP BY site, path ORDER BY path',
      ).all<Row>()
      expect(results).toEqual(model.rows())
      const sum = model.rows().reduce((total, { charged }) => total + charged, 0)
      expect(reported).toMatchObject({ charged: BigInt(sum) })
      const cursor = await env.BOOK.prepare(
        'SELECT coalesce(sum(charged), 0) AS sum FROM figure_cursor',
      ).first('sum')
      expect(cursor).toBe(sum)
    }),
    { numRuns: 10 },
  )
})
