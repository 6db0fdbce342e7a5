-- Credit: projections of the lines, rebuildable from them. Amounts are 39-digit text of micro-dollars.
CREATE TABLE line (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  authorized TEXT,
  charged TEXT,
  redeemed TEXT,
  ceiling TEXT,
  closed TEXT,
  updated_at INTEGER
) STRICT;

CREATE TABLE statement (
  line TEXT NOT NULL,
  period TEXT NOT NULL,
  starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  closed_at INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (line, period)
) STRICT;

CREATE INDEX statement_closed ON statement (closed_at);

CREATE TABLE invoice (
  id TEXT PRIMARY KEY,
  line TEXT NOT NULL,
  number INTEGER NOT NULL UNIQUE,
  stage TEXT NOT NULL,
  issued_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  record TEXT NOT NULL
) STRICT;

CREATE INDEX invoice_line ON invoice (line, number);
