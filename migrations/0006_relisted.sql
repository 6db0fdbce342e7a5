-- When an account wrote its missing row again. Null once a run has reported it.
ALTER TABLE account ADD COLUMN relisted_at INTEGER;
ALTER TABLE line ADD COLUMN relisted_at INTEGER;
