-- Columns lie in other tables than before: in a table in order of names and segments, each step of a look-up read a whole value
-- of other columns. They are made anew from flows, bit by bit.
DROP TABLE segment_words;
DROP TABLE segment_codes;

-- The values that a column with few of them has in a segment; of numbers with a range, the lowest and the highest. Searches read those
-- of all segments at once.
CREATE TABLE segment_words (
  name TEXT NOT NULL,
  segment INTEGER NOT NULL,
  words BLOB NOT NULL,
  PRIMARY KEY (name, segment)
) STRICT, WITHOUT ROWID;

-- For each flow, in order of ids, which value it has; of a column with many values, these as well.
CREATE TABLE segment_codes (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  segment INTEGER NOT NULL,
  words BLOB,
  codes BLOB,
  UNIQUE (name, segment)
) STRICT;

-- What a segment may hold of addresses, networks, names and Community IDs (columns/filter.ts). One part holds a share of
-- these of all segments side by side: one value is looked up in all of them by a few reads.
CREATE TABLE segment_filters (
  part INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  filter BLOB NOT NULL,
  PRIMARY KEY (part, segment)
) STRICT, WITHOUT ROWID;

-- Names of peers, as many in one row as have neighbouring ids (columns/name-pages.ts): a pattern is held against all of them.
CREATE TABLE name_pages (
  page INTEGER PRIMARY KEY,
  -- For each name its place among the ids of the page, and how long it is.
  places BLOB NOT NULL,
  texts BLOB NOT NULL
) STRICT;
