-- The last document of a line that the book has heard of: what came after it is still to be written.
ALTER TABLE line ADD COLUMN heard INTEGER;
