-- The network of an account. Channels of earlier versions get theirs from the first run that reads them.
ALTER TABLE account ADD COLUMN network TEXT;
-- The id of a payer by `exact` is `<network>:<payer>`, and an address has 42 characters.
UPDATE account SET network = substr(id, 1, length(id) - 43) WHERE kind = 'exact';

-- Each network has a watch of its own.
DROP INDEX account_watched;
CREATE INDEX account_watched ON account (network, id)
  WHERE kind = 'channel' AND (ceiling IS NULL OR ceiling <> redeemed);
