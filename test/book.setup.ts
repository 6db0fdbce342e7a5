/** Each test file begins with empty storage and the book's tables, since the files of a worker share its runtime. */
import { applyD1Migrations, type D1Migration, env, reset } from 'cloudflare:test'

const { BOOK, MIGRATIONS } = env as unknown as { BOOK: D1Database; MIGRATIONS: D1Migration[] }
await reset()
await applyD1Migrations(BOOK, MIGRATIONS)
