-- Sums of days beside those of hours: thirty days are read from thirty of them, not from 720.

CREATE TABLE days (
  kind INTEGER NOT NULL,
  period INTEGER NOT NULL,
  key TEXT NOT NULL,
  flows INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  first_at REAL NOT NULL,
  last_at REAL NOT NULL,
  PRIMARY KEY (kind, period, key)
) STRICT, WITHOUT ROWID;

ALTER TABLE hours RENAME COLUMN hour TO period;

INSERT INTO days SELECT kind, period / 24, key, sum(flows), sum(bytes_in), sum(bytes_out), min(first_at), max(last_at)
  FROM hours GROUP BY 1, 2, 3;

-- With all that a search asks of owners: thousands of them are read from the index alone.
DROP INDEX owners_home;
CREATE INDEX owners_home ON owners (home, last_segment, first_segment);
DROP INDEX owners_pid;
CREATE INDEX owners_pid ON owners (pid, last_segment, first_segment);
