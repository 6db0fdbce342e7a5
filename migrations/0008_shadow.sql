-- What shadow mode would have asked: one row for each day, crawler, rule and path. No money depends on it.
CREATE TABLE shadow (
  day TEXT NOT NULL,
  crawler TEXT NOT NULL,
  class TEXT NOT NULL,
  rule TEXT NOT NULL,
  action TEXT NOT NULL,
  path TEXT NOT NULL,
  requests INTEGER NOT NULL,
  pages INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  PRIMARY KEY (day, crawler, class, rule, action, path)
) STRICT, WITHOUT ROWID;
