-- What the kernel itself counted of each program, whether packets were captured or not: first by minute and run of Gatehouse,
-- and once that is a few hours old by hour, with run 0. `how` is the way of counting: BYTES_SOURCES in model/program-bytes.ts.
CREATE TABLE program_bytes (
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  how INTEGER NOT NULL,
  program TEXT NOT NULL,
  sent_bytes INTEGER NOT NULL,
  sent_packets INTEGER NOT NULL,
  received_bytes INTEGER NOT NULL,
  received_packets INTEGER NOT NULL,
  PRIMARY KEY (at, run, how, program)
) STRICT, WITHOUT ROWID;

-- For how long of it anything was counted at all.
CREATE TABLE counted_times (
  at INTEGER NOT NULL,
  run INTEGER NOT NULL,
  how INTEGER NOT NULL,
  seconds REAL NOT NULL,
  PRIMARY KEY (at, run, how)
) STRICT, WITHOUT ROWID;
