-- Many sites can be on trial at once: the site belongs to the key. Rows of before have none.
CREATE TABLE trial (
  day TEXT NOT NULL,
  site TEXT NOT NULL,
  crawler TEXT NOT NULL,
  class TEXT NOT NULL,
  rule TEXT NOT NULL,
  action TEXT NOT NULL,
  path TEXT NOT NULL,
  requests INTEGER NOT NULL,
  pages INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  PRIMARY KEY (day, site, crawler, class, rule, action, path)
) STRICT, WITHOUT ROWID;

INSERT INTO trial SELECT day, '', crawler, class, rule, action, path, requests, pages, asked FROM shadow;
DROP TABLE shadow;
ALTER TABLE trial RENAME TO shadow;
