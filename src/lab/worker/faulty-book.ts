/** D1 with the faults that a tester has ordered. */

/** `loses writes`: they report success and store nothing. */
export type BookFault = 'down' | 'loses writes' | { slowMs: number }

const WRITES = /^\s*(?:insert|update|delete|replace)/i

let fault: BookFault | null = null
let left: number | null = null

/** Sets the fault for the whole isolate. `times`: how many trips it meets; null for all. */
export function setBookFault(next: BookFault | null, times: number | null): void {
  fault = next
  left = times
}

type Original = { statement: D1PreparedStatement; writes: boolean }

/** The database behind the faults. */
export function faultyBook(book: D1Database): D1Database {
  const originals = new WeakMap<object, Original>()

  function wrap(statement: D1PreparedStatement, writes: boolean): D1PreparedStatement {
    const trip = async <Row>() => ((await pass([{ statement, writes }])) ?? [await statement.all<Row>()])[0]
    const asking = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values), writes),
      all: trip,
      run: trip,
      async first<Row>(column?: string): Promise<Row | null> {
        const [row] = ((await trip())?.results ?? []) as Record<string, Row>[]
        if (!row) return null
        return column === undefined ? (row as Row) : (row[column] ?? null)
      },
      raw: statement.raw.bind(statement),
    } as D1PreparedStatement
    originals.set(asking, { statement, writes })
    return asking
  }

  return {
    prepare: (query: string) => wrap(book.prepare(query), WRITES.test(query)),
    async batch<Row>(statements: D1PreparedStatement[]): Promise<D1Result<Row>[]> {
      const known = statements.map((one) => originals.get(one) ?? { statement: one, writes: false })
      const results = (await pass(known)) as D1Result<Row>[] | undefined
      return results ?? book.batch<Row>(known.map(({ statement }) => statement))
    },
    exec: (query: string) => book.exec(query),
    withSession: book.withSession.bind(book),
    dump: book.dump.bind(book),
  }
}

/** Lets a trip meet the fault. Returns its results if it is lost, and undefined if it goes on. @throws if D1 is down */
async function pass(trip: readonly Original[]): Promise<D1Result[] | undefined> {
  const met = fault
  if (met === null || left === 0) return undefined
  if (left !== null) left--
  if (met === 'down') throw new Error('D1_ERROR: the lab has taken D1 down')
  if (met !== 'loses writes') {
    await scheduler.wait(met.slowMs)
    return undefined
  }
  if (!trip.some(({ writes }) => writes)) return undefined
  return trip.map(() => ({ success: true, results: [], meta: { changes: 1 } }) as unknown as D1Result)
}
