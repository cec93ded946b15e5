-- What is usual of programs, hosts and services, as the observers learned it: one row for each thing that is measured.
CREATE TABLE baselines (
  observer TEXT NOT NULL,
  key TEXT NOT NULL,
  since REAL NOT NULL,
  until REAL NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (observer, key)
) STRICT;
