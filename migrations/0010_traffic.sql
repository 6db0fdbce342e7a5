-- How requests ended, counted approximately: for charts alone. Empty for deployments that write to an Analytics Engine dataset.
CREATE TABLE traffic (
  -- Hours since 1970, UTC. After 60 days the rows of a day stand in its first hour.
  hour INTEGER NOT NULL,
  -- The site's id or host; 'other' beyond the limits of src/paywall/traffic.ts, as are `who` and `rule`.
  site TEXT NOT NULL,
  -- The confirmed crawler, or a claimed name behind '~'; 'readers'; empty for nameless clients.
  who TEXT NOT NULL,
  rule TEXT NOT NULL,
  -- unpaid, refused, paid, free or blocked.
  outcome TEXT NOT NULL,
  -- The class of the status: 2xx to 5xx.
  status TEXT NOT NULL,
  requests INTEGER NOT NULL,
  -- Micro-dollars that unpaid requests were asked for.
  asked INTEGER NOT NULL,
  -- Unix milliseconds of the last write.
  counted_at INTEGER NOT NULL,
  PRIMARY KEY (hour, site, who, rule, outcome, status)
) STRICT, WITHOUT ROWID;

-- For the chart of one site among many. An update of a row does not write them again.
CREATE INDEX traffic_site ON traffic (site, hour);
CREATE INDEX figure_site ON figure (site, hour);
