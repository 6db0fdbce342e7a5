/** The paywall with counted calls and rows: proxies around the real namespaces and databases. */
import type { Bindings } from '../../src/app/bindings.ts'
import { Account as RealAccount, CreditLine as RealLine } from '../../src/app/objects.ts'
import { countCalls } from './calls.ts'
import paywall from './credit.ts'

export {
  Agents,
  Authorizations,
  Directory,
  Numbers,
  Quota,
  Relayer,
  Settlement,
} from '../../src/app/objects.ts'

const calls: Record<string, number> = {}
const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []
/** The size of each object's database after its last statement. Another object must not read it. */
const sizes = new Map<SqlStorage, number>()

export class Account extends RealAccount {
  constructor(ctx: DurableObjectState, env: { BOOK: D1Database }) {
    countRows(ctx.storage)
    super(ctx, env)
  }
}

export class CreditLine extends RealLine {
  constructor(ctx: DurableObjectState, env: { BOOK: D1Database }) {
    countRows(ctx.storage)
    super(ctx, env)
  }
}

let counted: Bindings | undefined

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === '/counts') return Response.json(take())
    counted ??= countCalls(env, ['ACCOUNT', 'LINES', 'AGENTS', 'DIRECTORIES'], (name) => {
      calls[name] = (calls[name] ?? 0) + 1
    })
    return paywall.fetch(request, counted)
  },
} satisfies ExportedHandler<Bindings>

/** Returns the counts since the last call, and resets them. `bytes` is what the objects hold now. */
function take() {
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  const counts = { calls: { ...calls }, rowsRead: 0, rowsWritten: 0, bytes }
  for (const { rowsRead, rowsWritten } of cursors) {
    counts.rowsRead += rowsRead
    counts.rowsWritten += rowsWritten
  }
  cursors.length = 0
  for (const name of Object.keys(calls)) delete calls[name]
  return counts
}

function countRows({ sql }: DurableObjectStorage): void {
  const exec = sql.exec.bind(sql)
  const counting: typeof exec = (query, ...bound) => {
    const cursor = exec(query, ...bound)
    cursors.push(cursor)
    sizes.set(sql, sql.databaseSize)
    return cursor as never
  }
  Object.defineProperty(sql, 'exec', { value: counting })
}
