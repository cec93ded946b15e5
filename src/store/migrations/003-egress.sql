-- What left this machine because of Gatehouse, one row a request, written before it was sent.

CREATE TABLE egress (
  id INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  recipient TEXT NOT NULL,
  what TEXT NOT NULL,
  why TEXT NOT NULL
) STRICT;
