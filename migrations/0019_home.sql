-- Figures by day and crawler, and by day and path: sums over a month of a thousand sites, where the hours of all would be too many.
-- For charts alone.
CREATE TABLE figure_name (
  -- who or path.
  kind TEXT NOT NULL,
  day INTEGER NOT NULL,
  -- 'other' beyond the 1,000 of a kind and day.
  name TEXT NOT NULL,
  charges INTEGER NOT NULL,
  releases INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  PRIMARY KEY (kind, day, name)
) STRICT, WITHOUT ROWID;

INSERT INTO figure_name
SELECT 'who', hour / 24, who, sum(charges), sum(releases), sum(charged) FROM figure GROUP BY 2, 3;
INSERT INTO figure_name
SELECT 'path', hour / 24, path, sum(charges), sum(releases), sum(charged) FROM figure GROUP BY 2, 3;

-- The money that the accounts of a kind received, by day: claims, paid invoices, payments by exact. What was taken back is
-- subtracted on its own day. Receipts of before this table are not in it.
CREATE TABLE receipt (
  day INTEGER NOT NULL,
  kind TEXT NOT NULL,
  received INTEGER NOT NULL,
  PRIMARY KEY (day, kind)
) STRICT, WITHOUT ROWID;

-- What is owed is summed over the accounts that owe, however many there are.
CREATE INDEX account_owing ON account (id) WHERE charged > redeemed;
CREATE INDEX line_owing ON line (id) WHERE charged > redeemed;
