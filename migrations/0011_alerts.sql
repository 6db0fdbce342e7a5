-- Alerts: one document with the open and recent ones and the messages that wait for a webhook. A pass over the facts replaces it
-- whole, and only from the version that it has read. No decision about money reads it.
CREATE TABLE alert (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT;

-- The facts are read every five minutes: none of these reads may grow with the history.
CREATE INDEX run_of_kind ON run (kind, status, started_at);
CREATE INDEX line_closed ON line (id) WHERE closed IS NOT NULL;
CREATE INDEX invoice_unpaid ON invoice (id) WHERE stage IN ('past_due', 'suspended');
CREATE INDEX invoice_failed ON invoice (id) WHERE record ->> '$.failedAt' IS NOT NULL;
