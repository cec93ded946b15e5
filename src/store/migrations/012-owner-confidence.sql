-- How sure it is that an owner is the right one; of owners that are there already as well.
ALTER TABLE owners ADD COLUMN confidence REAL AS (details ->> '$.confidence') VIRTUAL;
CREATE INDEX owners_confidence ON owners (confidence, last_segment, first_segment) WHERE confidence IS NOT NULL;
