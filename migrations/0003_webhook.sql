-- Webhooks of rails that were worked on.
CREATE TABLE webhook (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_at ON webhook (at);
