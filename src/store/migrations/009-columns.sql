-- What searches compare of the flows of a segment, one column after the other (columns/), for segments that no new flow comes
-- into any more: a search reads a few of these instead of flows.

-- The values that a column has in a segment; of numbers with a range, the lowest and the highest.
CREATE TABLE segment_words (
  name TEXT NOT NULL,
  segment INTEGER NOT NULL,
  words BLOB NOT NULL,
  PRIMARY KEY (name, segment)
) STRICT, WITHOUT ROWID;

-- For each flow, in order of ids, which value it has.
CREATE TABLE segment_codes (
  name TEXT NOT NULL,
  segment INTEGER NOT NULL,
  codes BLOB NOT NULL,
  PRIMARY KEY (name, segment)
) STRICT, WITHOUT ROWID;

-- Flows that changed after their columns were read: these are always looked at.
CREATE TABLE late_flows (
  segment INTEGER NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (segment, id)
) STRICT, WITHOUT ROWID;

-- What an interpreter runs; of owners that are there already as well.
ALTER TABLE owners ADD COLUMN script TEXT AS (details ->> '$.script') VIRTUAL;
CREATE INDEX owners_script ON owners (script, last_segment, first_segment) WHERE script IS NOT NULL;

-- What the file holds, once it was read: a file that was put there anew and says the same is no other binary.
ALTER TABLE program_files ADD COLUMN sha256 TEXT;
