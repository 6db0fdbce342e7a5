/** Each test file starts with empty storage and the tables of the read model: files of one worker share its runtime. */
import { applyD1Migrations, type D1Migration, env, reset } from 'cloudflare:test'

const { BOOK, MIGRATIONS } = env as unknown as { BOOK: D1Database; MIGRATIONS: D1Migration[] }
// Trap: without I/O before it, reset() leaves the objects of the file before, which list their accounts again.
await BOOK.prepare('SELECT 1').run()
await reset()
await applyD1Migrations(BOOK, MIGRATIONS)
