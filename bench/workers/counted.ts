/** The paywall with its calls and rows counted: a namespace and a database that count, around the real ones. */
import { Account as Real } from '../../src/objects.ts'
import type { Bindings } from '../../src/site.ts'
import paywall from './paywall.ts'

export { Authorizations, Relayer, Settlement } from '../../src/objects.ts'

const calls: Record<string, number> = {}
const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []

export class Account extends Real {
  constructor(ctx: DurableObjectState, env: { BOOK: D1Database }) {
    const { sql } = ctx.storage
    const exec = sql.exec.bind(sql)
    const counting: typeof exec = (query, ...bound) => {
      const cursor = exec(query, ...bound)
      cursors.push(cursor)
      return cursor as never
    }
    Object.defineProperty(sql, 'exec', { value: counting })
    super(ctx, env)
  }
}

let counted: Bindings | undefined

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === '/counts') return Response.json(take())
    counted ??= { ...env, ACCOUNT: counting(env.ACCOUNT) }
    return paywall.fetch(request, counted)
  },
} satisfies ExportedHandler<Bindings>

/** What was counted since the last time. */
function take() {
  const counts = { calls: { ...calls }, rowsRead: 0, rowsWritten: 0 }
  for (const { rowsRead, rowsWritten } of cursors) {
    counts.rowsRead += rowsRead
    counts.rowsWritten += rowsWritten
  }
  cursors.length = 0
  for (const name of Object.keys(calls)) delete calls[name]
  return counts
}

type Methods = Record<string, (...values: unknown[]) => unknown>

/** Every stub of this namespace counts the methods that are called on it. */
function counting(namespace: Bindings['ACCOUNT']): Bindings['ACCOUNT'] {
  const count = (stub: unknown) =>
    new Proxy(stub as Methods, {
      get:
        (target, name) =>
        (...values: unknown[]) => {
          calls[String(name)] = (calls[String(name)] ?? 0) + 1
          return target[String(name)]?.(...values)
        },
    })
  return new Proxy(namespace, {
    get:
      (target, name) =>
      (...values: unknown[]) =>
        count((target as unknown as Methods)[String(name)]?.(...values)),
  })
}
