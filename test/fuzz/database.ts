/** D1 in plain Node: one SQLite in memory with the migrations of this repository. */
import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

const MIGRATIONS = new URL('../../migrations/', import.meta.url)

type Rows = { results: Record<string, unknown>[]; success: true; meta: { changes: number } }

/** Opens an empty read model. */
export function openDatabase() {
  const db = new DatabaseSync(':memory:')
  for (const file of readdirSync(MIGRATIONS).sort()) db.exec(readFileSync(new URL(file, MIGRATIONS), 'utf8'))
  const statement = (query: string, bindings: SQLInputValue[]) => {
    const all = async (): Promise<Rows> => {
      const prepared = db.prepare(query)
      const isRead = prepared.columns().length > 0
      const results = isRead ? prepared.all(...bindings) : []
      const changes = isRead ? 0 : Number(prepared.run(...bindings).changes)
      return { results: results as Rows['results'], success: true, meta: { changes } }
    }
    return {
      bind: (...values: SQLInputValue[]) => statement(query, values),
      all,
      run: all,
      first: async (column?: string) => {
        const [row = null] = (await all()).results
        return row && column !== undefined ? row[column] : row
      },
    }
  }
  return {
    prepare: (query: string) => statement(query, []),
    batch: async (statements: ReturnType<typeof statement>[]) => {
      const answers: Rows[] = []
      for (const one of statements) answers.push(await one.all())
      return answers
    },
  }
}
