/** Durable Objects in plain Node: the real classes over SQLite in memory. They never crash, and no call of theirs is lost. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** The class of a Durable Object. */
export type ObjectClass = new (ctx: never, env: never) => object

type Row = Record<string, unknown>
type Stub = Record<string, (...args: unknown[]) => Promise<unknown>>

/** A namespace that makes each of its objects at the first call. */
export function namespaceOf(objectClass: ObjectClass, env: () => object) {
  const objects = new Map<string, { instance: object; ready: () => Promise<unknown> }>()
  const open = (name: string) => {
    const known = objects.get(name)
    if (known) return known
    let blocked: Promise<unknown> = Promise.resolve()
    const ctx = {
      id: { name, toString: () => name },
      storage: storageOf(),
      waitUntil: () => undefined,
      blockConcurrencyWhile: (work: () => Promise<unknown>) => {
        blocked = work()
        return blocked
      },
      abort: (why?: string) => {
        objects.delete(name)
        throw new Error(why)
      },
    }
    const made = { instance: new objectClass(ctx as never, env() as never), ready: () => blocked }
    objects.set(name, made)
    return made
  }
  const getByName = (name: string): Stub =>
    new Proxy({} as Stub, {
      get: (_, method: string) => {
        if (method === 'then') return undefined
        return async (...args: unknown[]) => {
          const { instance, ready } = open(name)
          await ready()
          const call = (instance as Stub)[method]
          if (typeof call !== 'function') throw new TypeError(`the object must have a method ${method}`)
          return structuredClone(await call.apply(instance, structuredClone(args)))
        }
      },
    })
  return { getByName, idFromName: (name: string) => name, get: getByName, count: () => objects.size }
}

function storageOf() {
  const db = new DatabaseSync(':memory:')
  const values = new Map<string, unknown>()
  let alarm: number | null = null
  return {
    sql: { exec: (query: string, ...bindings: unknown[]) => cursorOf(run(db, query, bindings)) },
    transactionSync<Value>(work: () => Value): Value {
      db.exec('SAVEPOINT work')
      try {
        const value = work()
        db.exec('RELEASE work')
        return value
      } catch (fault) {
        db.exec('ROLLBACK TO work; RELEASE work')
        throw fault
      }
    },
    sync: async () => undefined,
    getAlarm: async () => alarm,
    setAlarm: async (at: number | Date) => {
      alarm = Number(at)
    },
    deleteAlarm: async () => {
      alarm = null
    },
    kv: {
      get: (key: string) => values.get(key),
      put: (key: string, value: unknown) => void values.set(key, value),
      delete: (key: string) => values.delete(key),
    },
  }
}

/** Runs statements, and returns the rows of the last. */
function run(db: DatabaseSync, query: string, bindings: unknown[]): Row[] {
  const statements = query.split(';').filter((part) => part.trim() !== '')
  let rows: Row[] = []
  for (const [at, text] of statements.entries()) {
    const statement = db.prepare(text)
    const values = (at === statements.length - 1 ? bindings : []) as SQLInputValue[]
    if (statement.columns().length > 0) rows = statement.all(...values) as Row[]
    else statement.run(...values)
  }
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, bytesOf(value)])),
  )
}

function bytesOf(value: unknown): unknown {
  return value instanceof Uint8Array ? Uint8Array.from(value).buffer : value
}

function cursorOf(rows: Row[]) {
  return {
    toArray: () => rows,
    one: () => rows[0],
    rowsWritten: rows.length,
    [Symbol.iterator]: () => rows[Symbol.iterator](),
  }
}
