-- The hash chain over decisions: what each said, and how it hangs on all before it. Rows that retention removed keep theirs.
CREATE TABLE decision_chain (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id INTEGER NOT NULL UNIQUE,
  digest BLOB NOT NULL,
  link BLOB NOT NULL,
  removed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- 1 once what an older version wrote hangs on the chain too: it is done once, and never again for rows that come from elsewhere.
INSERT INTO meta (key, value) VALUES ('chained', 0);
