/** The tables of people, and what was added to them. */
import { ACT_TABLE } from '../ledger/act.ts'

/** A member had one passkey at first, and none had a name. */
const MANY_PASSKEYS = [
  `CREATE TABLE next_passkey (
    id TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    key TEXT NOT NULL,
    counter INTEGER NOT NULL,
    origin TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    used_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  `INSERT INTO next_passkey (id, member, key, counter, origin, made_at, used_at)
     SELECT id, member, key, counter, origin, made_at, used_at FROM passkey`,
  'DROP TABLE passkey',
  'ALTER TABLE next_passkey RENAME TO passkey',
]

/** Every statement as it landed. */
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS member (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT UNIQUE,
    role TEXT NOT NULL,
    publisher TEXT,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS invitation (
    hash TEXT PRIMARY KEY,
    member TEXT NOT NULL UNIQUE,
    ends_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS passkey (
    id TEXT PRIMARY KEY,
    member TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    counter INTEGER NOT NULL,
    origin TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    used_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  // A challenge that was answered: it is not answered again. `one`: the key that signs challenges is in row 1.
  'CREATE TABLE IF NOT EXISTS spent_challenge (challenge TEXT PRIMARY KEY, ends_at INTEGER NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS challenge_key (one INTEGER PRIMARY KEY CHECK (one = 1), secret TEXT NOT NULL) STRICT',
  `CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    principal TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    used_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS code (
    hash TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    ends_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
  ACT_TABLE,
  `CREATE TABLE IF NOT EXISTS session (
      hash TEXT PRIMARY KEY, principal TEXT NOT NULL, client TEXT NOT NULL,
      opened_at INTEGER NOT NULL, used_at INTEGER NOT NULL) WITHOUT ROWID`,
]

/** Columns that were added later, oldest first. Sessions of the first version were never proven again and end after 12 hours. */
const ADDED: readonly [column: string, statement: string][] = [
  ['proven_at', 'ALTER TABLE session ADD COLUMN proven_at INTEGER'],
  ['ends_at', 'ALTER TABLE session ADD COLUMN ends_at INTEGER'],
]

/** Creates what is missing. May run on every start. */
export function createTables(sql: SqlStorage): void {
  for (const statement of SCHEMA) sql.exec(statement)
  const [named] = sql.exec("SELECT 1 FROM pragma_table_info('passkey') WHERE name = 'name'")
  if (!named) for (const statement of MANY_PASSKEYS) sql.exec(statement)
  const known = new Set(
    [...sql.exec("SELECT name FROM pragma_table_info('session')")].map(({ name }) => name),
  )
  for (const [column, statement] of ADDED) if (!known.has(column)) sql.exec(statement)
}
