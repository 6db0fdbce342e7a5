-- Channels whose payers withdraw and that could not be claimed from (JSON). The watch reads each log once, so the next one must find
-- them here.
ALTER TABLE watch ADD COLUMN unclaimed TEXT NOT NULL DEFAULT '[]';
