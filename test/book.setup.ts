/** Creates the tables of the read model in each test file's D1. */
import { applyD1Migrations, type D1Migration, env } from 'cloudflare:test'

const { BOOK, MIGRATIONS } = env as unknown as { BOOK: D1Database; MIGRATIONS: D1Migration[] }
await applyD1Migrations(BOOK, MIGRATIONS)
