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
