/** The tables of an `exact` payer, as they were first released and as later versions have extended them. */
import { addColumns, columnsOf, type TableVersion } from '../columns.ts'

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS authorization (
    token TEXT NOT NULL,
    nonce TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('taken', 'doubtful', 'settled', 'released')),
    at INTEGER NOT NULL,
    taker TEXT NOT NULL,
    amount TEXT NOT NULL CHECK (length(amount) = 39),
    signature TEXT NOT NULL,
    request TEXT NOT NULL,
    tx TEXT,
    PRIMARY KEY (token, nonce)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS total (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    payments INTEGER NOT NULL,
    received TEXT NOT NULL CHECK (length(received) = 39)
  ) STRICT`,
]

/**
 * Columns that were added later, oldest first, with what fills them. Payments of the first version lack a receiver, so they
 * stay unresolved. `shown`: whether anybody else may hold the signature; refused payments of earlier versions may have been.
 * `runner`: the request that the origin is carrying out, for a method with effects. `rule`, `site`, `policy` and `who`: what was sold.
 * `paid_at`, `number` and `earlier`: when it was settled, its place among the settled, and the key of the one before it.
 * `undone`: null for a payment whose transfer stands, `open` while the chain lacks it, `lost` once no block can have it any more.
 * The payments of versions without it count as final.
 */
export const AUTHORIZATION: TableVersion = {
  table: 'authorization',
  first: 9,
  added: [
    ['receiver', 'ALTER TABLE authorization ADD COLUMN receiver TEXT'],
    ['valid_before', 'ALTER TABLE authorization ADD COLUMN valid_before TEXT'],
    ['since', 'ALTER TABLE authorization ADD COLUMN since INTEGER'],
    [
      'undelivered',
      'ALTER TABLE authorization ADD COLUMN undelivered INTEGER NOT NULL DEFAULT 0 CHECK (undelivered IN (0, 1))',
    ],
    [
      'shown',
      'ALTER TABLE authorization ADD COLUMN shown INTEGER NOT NULL DEFAULT 0 CHECK (shown IN (0, 1))',
      `UPDATE authorization SET shown = 1 WHERE status <> 'settled'`,
    ],
    ['runner', 'ALTER TABLE authorization ADD COLUMN runner TEXT'],
    ['deliveries', 'ALTER TABLE authorization ADD COLUMN deliveries INTEGER NOT NULL DEFAULT 0'],
    ['rule', 'ALTER TABLE authorization ADD COLUMN rule TEXT'],
    ['site', 'ALTER TABLE authorization ADD COLUMN site TEXT'],
    ['policy', 'ALTER TABLE authorization ADD COLUMN policy INTEGER'],
    ['who', 'ALTER TABLE authorization ADD COLUMN who TEXT'],
    ['paid_at', 'ALTER TABLE authorization ADD COLUMN paid_at INTEGER'],
    ['number', 'ALTER TABLE authorization ADD COLUMN number INTEGER'],
    [
      'earlier',
      'ALTER TABLE authorization ADD COLUMN earlier TEXT',
      'ALTER TABLE total ADD COLUMN last TEXT',
      'ALTER TABLE total ADD COLUMN sold TEXT',
    ],
    [
      'undone',
      `ALTER TABLE authorization ADD COLUMN undone TEXT CHECK (undone IN ('open', 'lost'))`,
      'ALTER TABLE total ADD COLUMN provisional INTEGER NOT NULL DEFAULT 0',
      'ALTER TABLE total ADD COLUMN lost INTEGER NOT NULL DEFAULT 0',
    ],
  ],
}

// With the first loss, in its transaction: most payers never have one. `released`: 1 where the page had not been delivered.
const LOSSES = `CREATE TABLE IF NOT EXISTS loss (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  token TEXT NOT NULL,
  nonce TEXT NOT NULL,
  released INTEGER NOT NULL
) STRICT`

/** `named`: 1 once a run has stored a finding of it. */
const LOSS: TableVersion = {
  table: 'loss',
  first: 5,
  added: [['named', 'ALTER TABLE loss ADD COLUMN named INTEGER NOT NULL DEFAULT 0 CHECK (named IN (0, 1))']],
}

/** A payer may have paid a million times. The few that are open are found without reading those. */
const UNPAID = `CREATE INDEX IF NOT EXISTS unpaid ON authorization (status) WHERE status <> 'settled'`
const UNDELIVERED = 'CREATE INDEX IF NOT EXISTS undelivered ON authorization (at) WHERE undelivered = 1'
const UNDONE = `CREATE INDEX IF NOT EXISTS undone ON authorization (at) WHERE undone = 'open'`

/** Creates the tables, or adds the columns that they lack. Callers hold the transaction. */
export function createExactTables(sql: SqlStorage): void {
  for (const statement of SCHEMA) sql.exec(statement)
  addColumns(sql, AUTHORIZATION)
  for (const index of [UNPAID, UNDELIVERED, UNDONE]) sql.exec(index)
  if (columnsOf(sql, LOSS).size > 0) addColumns(sql, LOSS)
}

/** Creates the table of losses, unless it is there. Callers hold the transaction. */
export function createLosses(sql: SqlStorage): void {
  sql.exec(LOSSES)
  addColumns(sql, LOSS)
}
