/** One account that charges and reports: `/?charges=N&paths=M` charges N requests for M paths, reports twice, and counts the second and the hour's sums by name. */
import { Account as RealAccount } from '../../src/app/objects.ts'
import { sumNames } from '../../src/ledger/book/figure-names.ts'
import type { ChargeOrder } from '../../src/ledger/channel/types.ts'
import { HOUR_MS } from '../../src/platform/time.ts'

type Counted = { rowsWritten: number; rowsRead: number; calls: number }

const NOTHING: Counted = { rowsWritten: 0, rowsRead: 0, calls: 0 }
const ADDRESS = `0x${'1'.repeat(40)}` as const
const CHANNEL = `0x${'2'.repeat(64)}` as const
const PRICE = 1000n

let counted = { ...NOTHING }
let cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []

export class Account extends RealAccount {
  constructor(ctx: DurableObjectState, env: { BOOK: D1Database }) {
    countObject(ctx.storage)
    super(ctx, { BOOK: countBook(env.BOOK) })
  }

  /** The runtime alone may call `alarm`. */
  ring(): Promise<void> {
    return this.alarm()
  }
}

export default {
  async fetch(request, { ACCOUNT, BOOK }) {
    const { searchParams } = new URL(request.url)
    // A new database counts as one of an older version for two days.
    await BOOK.prepare('UPDATE figure_summed SET hour = 0').run()
    const [charges, paths] = [Number(searchParams.get('charges')), Number(searchParams.get('paths'))]
    const account = ACCOUNT.getByName(CHANNEL)
    await open(account)
    await charge(account, charges, paths)
    await account.ring()
    // The first report of a day also stores the paths.
    counted = { ...NOTHING }
    await charge(account, charges, paths)
    const start = Date.now()
    await account.ring()
    const report = { ...read(), milliseconds: Date.now() - start }
    counted = { ...NOTHING }
    await sumNames(countBook(BOOK), Date.now() + 2 * HOUR_MS)
    return Response.json({ report, hour: counted })
  },
} satisfies ExportedHandler<{ ACCOUNT: DurableObjectNamespace<Account>; BOOK: D1Database }>

async function open(account: DurableObjectStub<Account>): Promise<void> {
  const parties = { payer: ADDRESS, payerAuthorizer: ADDRESS, receiver: ADDRESS, receiverAuthorizer: ADDRESS }
  const config = { ...parties, token: ADDRESS, withdrawDelay: 86_400, salt: CHANNEL }
  const quiet = { totalClaimed: 0n, withdrawRequestedAt: 0, withdrawAmount: 0n, refundNonce: 0n }
  await account.open(CHANNEL, config, { balance: 10n ** 15n, ...quiet, block: 1n })
  await account.list()
}

/** Charges as many requests. Only the alarm counts among their rows. */
async function charge(account: DurableObjectStub<Account>, charges: number, paths: number): Promise<void> {
  const { charged = 0n } = (await account.standing()) ?? {}
  let max = charged
  for (let first = 0; first < charges; first += AT_ONCE) {
    const orders = Array.from({ length: Math.min(AT_ONCE, charges - first) }, (_, at) => {
      max += PRICE
      return orderOf(max, (first + at) % paths)
    })
    const answers = await Promise.all(orders.map((order) => account.place(order)))
    if (answers.some(({ outcome }) => outcome !== 'charged')) throw new Error('a charge was refused')
  }
  cursors = []
}

const AT_ONCE = 100

function orderOf(max: bigint, page: number): ChargeOrder {
  const sold = { site: 'site.example', rule: 'default', policy: 1, who: 'GPTBot' }
  const signed = { id: `${max}`, max, signature: `0x${'3'.repeat(130)}` as const }
  const request = `GET https://site.example/part/${page}/article`
  return { kind: 'charge', ...signed, ...sold, price: PRICE, exposure: 10n ** 15n, request }
}

/** The counts since the charges, with the alarm that the first of them set. */
function read(): Counted {
  const sum = (of: 'rowsRead' | 'rowsWritten') =>
    cursors.reduce((total, cursor) => total + cursor[of], counted[of])
  return { ...counted, rowsRead: sum('rowsRead'), rowsWritten: sum('rowsWritten') }
}

function countObject(storage: DurableObjectStorage): void {
  const exec = storage.sql.exec.bind(storage.sql)
  const counting: typeof exec = (query, ...bound) => {
    const cursor = exec(query, ...bound)
    cursors.push(cursor)
    return cursor as never
  }
  Object.defineProperty(storage.sql, 'exec', { value: counting })
  const setAlarm = storage.setAlarm.bind(storage)
  // A call of setAlarm costs a row (developers.cloudflare.com/durable-objects/platform/pricing).
  const setting: typeof setAlarm = (...at) => {
    counted.rowsWritten++
    return setAlarm(...at)
  }
  Object.defineProperty(storage, 'setAlarm', { value: setting })
}

function countBook(book: D1Database): D1Database {
  const count = (results: D1Result[]) => {
    counted.calls++
    for (const { meta } of results) {
      counted.rowsWritten += meta.rows_written
      counted.rowsRead += meta.rows_read
    }
  }
  return new Proxy(book, {
    get(target, name) {
      if (name === 'prepare') return target.prepare.bind(target)
      if (name !== 'batch') return undefined
      return async (statements: D1PreparedStatement[]) => {
        const results = await target.batch(statements)
        count(results)
        return results
      }
    },
  })
}
