/**
 * D1 with fewer trips. The local D1 takes three isolates for each query, and a nightly run makes a hundred. Queries that are
 * asked at the same moment go as one batch, which D1 carries out in the same order.
 */

/** How many microtasks later a query may come and still be of the same moment. */
const MOMENT = 20

/** A query or a batch of a caller. */
type Asked = {
  statements: D1PreparedStatement[]
  resolve(results: D1Result[]): void
  reject(fault: unknown): void
}

/** Trap: one request must not wait for the queries of another. Two that overlap need two of these. */
export function groupedBook(book: D1Database): D1Database {
  let waiting: Asked[] = []

  async function flush(): Promise<void> {
    for (let turn = 0; turn < MOMENT; turn++) await null
    const asked = waiting
    waiting = []
    if (asked.length === 1) return alone(book, asked)
    const results = await book.batch(asked.flatMap(({ statements }) => statements)).catch(() => null)
    // A batch that fails has changed nothing: each caller then fails or succeeds alone.
    if (results === null) return alone(book, asked)
    for (const { statements, resolve } of asked) resolve(results.splice(0, statements.length))
  }

  function ask(statements: D1PreparedStatement[]): Promise<D1Result[]> {
    return new Promise((resolve, reject) => {
      waiting.push({ statements, resolve, reject })
      if (waiting.length === 1) void flush()
    })
  }

  const originals = new WeakMap<object, D1PreparedStatement>()

  function wrap(statement: D1PreparedStatement): D1PreparedStatement {
    const one = async <Row>() => (await ask([statement]))[0] as D1Result<Row>
    const asking = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: one,
      run: one,
      async first<Row>(column?: string): Promise<Row | null> {
        const [row] = (await one<Record<string, Row>>()).results
        if (!row) return null
        return column === undefined ? (row as Row) : (row[column] ?? null)
      },
      raw: statement.raw.bind(statement),
    } as D1PreparedStatement
    originals.set(asking, statement)
    return asking
  }

  return {
    prepare: (query: string) => wrap(book.prepare(query)),
    batch: <Row>(statements: D1PreparedStatement[]) =>
      ask(statements.map((statement) => originals.get(statement) ?? statement)) as Promise<D1Result<Row>[]>,
    exec: (query: string) => book.exec(query),
    withSession: book.withSession.bind(book),
    dump: book.dump.bind(book),
  }
}

/** One trip for each caller. */
async function alone(book: D1Database, asked: readonly Asked[]): Promise<void> {
  for (const { statements, resolve, reject } of asked) {
    const [only] = statements
    const trip =
      statements.length === 1 && only ? only.all().then((result) => [result]) : book.batch(statements)
    await trip.then(resolve, reject)
  }
}
