/** Gives each test file an empty book: files of one worker share its D1. */
import { applyD1Migrations, type D1Migration, env } from 'cloudflare:test'

const { BOOK, MIGRATIONS } = env as unknown as { BOOK: D1Database; MIGRATIONS: D1Migration[] }
await applyD1Migrations(BOOK, MIGRATIONS)
const tables = await BOOK.prepare(
  "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT IN ('d1_migrations', 'sqlite_sequence')",
).all<{ name: string }>()
await BOOK.batch(tables.results.map(({ name }) => BOOK.prepare(`DELETE FROM "${name}"`)))
