-- What the accounts report of their journals while they charge: for charts alone. Amounts are micro-dollars; a released or
-- lowered charge is subtracted in the hour and the day of its charge.
CREATE TABLE figure (
  -- Hours since 1970, UTC.
  hour INTEGER NOT NULL,
  site TEXT NOT NULL,
  -- The rule and its factors; empty for charges of early versions.
  rule TEXT NOT NULL,
  -- The confirmed crawler, or a claimed name behind '~'; empty for nameless clients.
  who TEXT NOT NULL,
  -- The first two segments of the path, or 'other' beyond the site's 200 of a day.
  path TEXT NOT NULL,
  charges INTEGER NOT NULL,
  releases INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  PRIMARY KEY (hour, site, rule, who, path)
) STRICT, WITHOUT ROWID;

-- The same by days since 1970, for charts of months.
CREATE TABLE figure_day (
  day INTEGER NOT NULL,
  site TEXT NOT NULL,
  charges INTEGER NOT NULL,
  releases INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  -- Unix milliseconds of the last report.
  reported_at INTEGER NOT NULL,
  PRIMARY KEY (day, site)
) STRICT, WITHOUT ROWID;

-- The paths that have rows of their own.
CREATE TABLE figure_path (
  day INTEGER NOT NULL,
  site TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (day, site, path)
) STRICT, WITHOUT ROWID;

-- How far each account has reported its journal, and what it has reported in all. A report is added only at this position.
CREATE TABLE figure_cursor (
  kind TEXT NOT NULL,
  account TEXT NOT NULL,
  position INTEGER NOT NULL,
  charged INTEGER NOT NULL,
  reported_at INTEGER NOT NULL,
  PRIMARY KEY (kind, account)
) STRICT, WITHOUT ROWID;
