-- Until when a rail's events were read, and the invoices of them that could not be checked yet (JSON).
CREATE TABLE rail_mark (
  rail TEXT PRIMARY KEY,
  asked_until INTEGER NOT NULL,
  missed TEXT NOT NULL
) STRICT;
