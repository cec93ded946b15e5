-- Search by any field, names and places of peers, summaries by the hour, and when something was first seen.

-- When the flows of a segment were opened: a period is looked for in these segments alone.
CREATE TABLE segments (
  segment INTEGER PRIMARY KEY,
  -- Its flows have ids from here to the first of the next segment.
  first_id INTEGER NOT NULL,
  min_opened REAL NOT NULL,
  max_opened REAL NOT NULL
) STRICT;

INSERT INTO segments SELECT segment, min(id), min(opened_at), max(opened_at) FROM flows GROUP BY segment;

-- Whom and where a process runs for: few, so that a search by user, unit or container begins here.
CREATE TABLE homes (
  id INTEGER PRIMARY KEY,
  uid INTEGER NOT NULL,
  user TEXT,
  unit TEXT,
  container TEXT
) STRICT;

INSERT INTO homes (uid, user) SELECT DISTINCT uid, user FROM owners;

ALTER TABLE owners ADD COLUMN home INTEGER NOT NULL DEFAULT 0;
UPDATE owners SET home = (SELECT id FROM homes WHERE homes.uid = owners.uid AND homes.user IS owners.user);
ALTER TABLE owners DROP COLUMN uid;
ALTER TABLE owners DROP COLUMN user;
-- What else is known of an owner, as JSON: shown, not searched.
ALTER TABLE owners ADD COLUMN details TEXT;
-- With last_segment: the flows of this owner are nowhere else. 0: not noted.
ALTER TABLE owners ADD COLUMN first_segment INTEGER NOT NULL DEFAULT 0;
CREATE INDEX owners_home ON owners (home, last_segment);

-- Names of peers, with where they come from.
CREATE TABLE names (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  first_segment INTEGER NOT NULL,
  last_segment INTEGER NOT NULL,
  UNIQUE (name, source)
) STRICT;

CREATE TABLE networks (
  asn INTEGER PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;

-- What few flows differ in: one small number in the index stands for all five, and any mixture of them is a
-- set of numbers. `ended` is -1 while a flow goes on.
CREATE TABLE classes (
  id INTEGER PRIMARY KEY,
  protocol INTEGER NOT NULL,
  interface TEXT NOT NULL,
  direction INTEGER NOT NULL,
  state INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  UNIQUE (protocol, interface, direction, state, ended)
) STRICT;

-- 0: not sorted into a class yet; then the columns themselves decide.
ALTER TABLE flows ADD COLUMN class INTEGER NOT NULL DEFAULT 0;
-- Bytes and handshake time, roughly (scale.ts); 0 as above.
ALTER TABLE flows ADD COLUMN scale INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flows ADD COLUMN name INTEGER;
-- ISO 3166-1 alpha-2.
ALTER TABLE flows ADD COLUMN country TEXT;
ALTER TABLE flows ADD COLUMN asn INTEGER;

INSERT INTO classes (protocol, interface, direction, state, ended)
  SELECT DISTINCT protocol, interface, direction, state, coalesce(ended, -1) FROM flows;
UPDATE flows SET class = (
  SELECT id FROM classes
  WHERE classes.protocol = flows.protocol AND classes.interface = flows.interface
    AND classes.direction = flows.direction AND classes.state = flows.state
    AND classes.ended = coalesce(flows.ended, -1)
);

DROP INDEX flows_rare_protocol;
DROP INDEX flows_vlan;
CREATE INDEX flows_nobody ON flows (segment) WHERE owner IS NULL;
CREATE INDEX flows_class ON flows (segment, class);
CREATE INDEX flows_scale ON flows (segment, scale);
CREATE INDEX flows_name ON flows (segment, name) WHERE name IS NOT NULL;
CREATE INDEX flows_country ON flows (segment, country) WHERE country IS NOT NULL;
CREATE INDEX flows_asn ON flows (segment, asn) WHERE asn IS NOT NULL;

-- What was carried in each hour, by program, host, country, port, user and container (SUMMARY_KINDS). Bounded in
-- keys per hour: the key '*' has the rest, '' what is not known. Inbound and outbound as this machine sees it.
CREATE TABLE hours (
  kind INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  key TEXT NOT NULL,
  flows INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  first_at REAL NOT NULL,
  last_at REAL NOT NULL,
  PRIMARY KEY (kind, hour, key)
) STRICT, WITHOUT ROWID;

-- When a program was first seen, and first seen with a host or a country. `peer` is '' for the program itself.
CREATE TABLE first_seen (
  kind INTEGER NOT NULL,
  program TEXT NOT NULL,
  peer TEXT NOT NULL,
  at REAL NOT NULL,
  last_at REAL NOT NULL,
  PRIMARY KEY (kind, program, peer)
) STRICT, WITHOUT ROWID;

CREATE INDEX first_seen_at ON first_seen (at);

-- Each file that a program's path has named: another identity is another binary.
CREATE TABLE program_files (
  path TEXT NOT NULL,
  identity TEXT NOT NULL,
  first_at REAL NOT NULL,
  last_at REAL NOT NULL,
  PRIMARY KEY (path, identity)
) STRICT, WITHOUT ROWID;
