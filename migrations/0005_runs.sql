-- Runs of more kinds and states: billing runs, and runs that died. SQLite cannot change a CHECK, so the table is made anew.
CREATE TABLE run_next (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  record TEXT NOT NULL
) STRICT;

INSERT INTO run_next SELECT id, kind, status, started_at, ended_at, record FROM run;
DROP TABLE run;
ALTER TABLE run_next RENAME TO run;

CREATE INDEX run_started ON run (started_at);
-- Each run looks for those of its kind that died.
CREATE INDEX run_running ON run (kind) WHERE status = 'running';

-- How far the watch has come, one row for each chain.
CREATE TABLE watch (
  chain TEXT PRIMARY KEY,
  block INTEGER,
  span INTEGER NOT NULL,
  after TEXT NOT NULL,
  seen_at INTEGER,
  blind INTEGER NOT NULL,
  alerted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The channels that the watch polls: an escrow without unclaimed money costs nothing. New rows have no totals yet.
CREATE INDEX account_watched ON account (id) WHERE kind = 'channel' AND (ceiling IS NULL OR ceiling <> redeemed);
