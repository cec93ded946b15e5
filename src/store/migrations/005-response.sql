-- A block that lets few packets through ('limit'), one that waits for a person (JSON), and which detector has earned
-- to act by itself.
ALTER TABLE blocks ADD COLUMN effect TEXT;

ALTER TABLE alerts ADD COLUMN suggestion TEXT;

CREATE TABLE trusts (
  detector TEXT PRIMARY KEY,
  accepted INTEGER NOT NULL,
  at REAL NOT NULL
) STRICT;
