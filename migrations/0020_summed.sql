-- Sums by crawler and path cost a row for each path and report. From now on the cron adds each hour to figure_name once, when
-- the hour is over, and reports add only what comes later than that.
CREATE TABLE figure_summed (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Hours since 1970, UTC: figure_name has the hours before it, and charts take later ones from figure.
  hour INTEGER NOT NULL
) STRICT;

-- Versions before this one add to figure_name with each report. They may still run for a while: for two days reports do so, too.
INSERT INTO figure_summed SELECT 1, unixepoch() / 3600 + 48;
