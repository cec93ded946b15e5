-- What every Gatehouse remembers: flows, alerts, decisions, blocks in force, and what people allowed.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (key, value) VALUES ('run', 0), ('flows', 0), ('segment', 1), ('segment_flows', 0);

CREATE TABLE programs (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (path, name)
) STRICT;

CREATE INDEX programs_name ON programs (name);

-- One row per process as it was seen. Searching by pid or user finds owners, and their flows by flows_owner.
CREATE TABLE owners (
  id INTEGER PRIMARY KEY,
  program INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  user TEXT,
  command_line TEXT NOT NULL,
  source TEXT NOT NULL,
  unreadable_because TEXT,
  -- The newest segment with a flow of this owner: once that is gone, so is the owner.
  last_segment INTEGER NOT NULL
) STRICT;

CREATE INDEX owners_pid ON owners (pid);
CREATE INDEX owners_program ON owners (program);

-- The id says when a flow was first recorded (flow-key.ts), so rows are in order of time. Every index begins with
-- the segment, some ten thousand flows that were recorded one after the other: so new flows touch a small and warm
-- part of each index however large the table is, and a search walks the segments from the newest back, each a short
-- ordered walk (the id ends every index). Addresses are 4 or 16 bytes in network order: a range of addresses is a
-- range of values. Codes: DIRECTIONS in rows.ts, FLOW_STATES and END_REASONS in model/flow.ts.
CREATE TABLE flows (
  id INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  run INTEGER NOT NULL,
  flow INTEGER NOT NULL,
  community_id ANY NOT NULL,
  protocol INTEGER NOT NULL,
  interface TEXT NOT NULL,
  vlan INTEGER NOT NULL,
  direction INTEGER NOT NULL,
  source BLOB NOT NULL,
  source_port INTEGER NOT NULL,
  target BLOB NOT NULL,
  target_port INTEGER NOT NULL,
  opened_at REAL NOT NULL,
  seen_at REAL NOT NULL,
  state INTEGER NOT NULL,
  ended INTEGER,
  packets_forward INTEGER NOT NULL,
  packets_backward INTEGER NOT NULL,
  bytes_forward INTEGER NOT NULL,
  bytes_backward INTEGER NOT NULL,
  handshake_ms REAL,
  retransmits_forward INTEGER NOT NULL,
  retransmits_backward INTEGER NOT NULL,
  tcp_flags_forward INTEGER NOT NULL,
  tcp_flags_backward INTEGER NOT NULL,
  program INTEGER,
  owner INTEGER
) STRICT;

-- Flows that go on: few, so a repeated report finds its row in a small index.
CREATE UNIQUE INDEX flows_open ON flows (run, flow) WHERE ended IS NULL;
-- The peer is the source of an inbound flow and the target of any other: with the direction each is one walk.
CREATE INDEX flows_source ON flows (segment, direction, source);
CREATE INDEX flows_target ON flows (segment, direction, target);
CREATE INDEX flows_source_port ON flows (segment, source_port);
CREATE INDEX flows_target_port ON flows (segment, target_port);
CREATE INDEX flows_program ON flows (segment, program) WHERE program IS NOT NULL;
CREATE INDEX flows_owner ON flows (segment, owner) WHERE owner IS NOT NULL;
-- Four of the twenty bytes tell nearly all flows apart, for a fifth of the room.
CREATE INDEX flows_community ON flows (segment, substr(community_id, 1, 4));
-- Common values are found by walking back from the newest flow; only the rare ones need an index.
CREATE INDEX flows_rare_protocol ON flows (segment, protocol) WHERE protocol NOT IN (6, 17);
CREATE INDEX flows_vlan ON flows (segment, vlan) WHERE vlan <> 0;

-- AUTOINCREMENT: an id is never given twice, also after retention took the newest row.
CREATE TABLE alerts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  last_seen_at REAL NOT NULL,
  times INTEGER NOT NULL,
  detector TEXT NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  confidence REAL NOT NULL,
  subject TEXT NOT NULL,
  victim TEXT,
  summary TEXT NOT NULL,
  key TEXT NOT NULL,
  technique TEXT NOT NULL,
  because TEXT NOT NULL,
  spoofable INTEGER NOT NULL,
  response TEXT NOT NULL,
  archived INTEGER NOT NULL,
  evidence TEXT NOT NULL
) STRICT;

CREATE INDEX alerts_last_seen ON alerts (last_seen_at);
CREATE INDEX alerts_subject ON alerts (subject);

CREATE TABLE decisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  for_seconds REAL,
  alert_id INTEGER,
  undoes INTEGER
) STRICT;

CREATE INDEX decisions_target ON decisions (target);
CREATE INDEX decisions_at ON decisions (at);

CREATE TABLE blocks (
  target TEXT PRIMARY KEY,
  origin TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  since REAL NOT NULL,
  until REAL,
  alert_id INTEGER,
  decision_id INTEGER NOT NULL
) STRICT;

CREATE INDEX blocks_decision ON blocks (decision_id);
CREATE INDEX blocks_alert ON blocks (alert_id);

-- Only what people allowed: the rest is found on the machine at each start.
CREATE TABLE allow_entries (
  target TEXT PRIMARY KEY,
  note TEXT NOT NULL
) STRICT;
