-- The book: a projection of the accounts, rebuildable from them. Amounts are 39-digit text.
CREATE TABLE account (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('channel', 'exact')),
  payer TEXT NOT NULL,
  receiver TEXT NOT NULL,
  token TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  authorized TEXT,
  charged TEXT,
  redeemed TEXT,
  ceiling TEXT,
  quarantine TEXT,
  updated_at INTEGER
) STRICT;

CREATE TABLE run (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('settlement', 'watch')),
  status TEXT NOT NULL CHECK (status IN ('running', 'settled', 'in_doubt', 'failed')),
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  record TEXT NOT NULL
) STRICT;

CREATE INDEX run_started ON run (started_at);
