-- +goose Up
-- Reports to the head teacher and the governors as they were made. None is
-- ever changed.
CREATE TABLE reports (
  id      TEXT PRIMARY KEY,
  kind    TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  from_at BIGINT NOT NULL,
  digest  TEXT NOT NULL,
  body    TEXT NOT NULL
);
CREATE INDEX reports_kind ON reports (kind, made_at);

-- Who opened and who signed which report, in which post.
CREATE TABLE report_receipts (
  id        TEXT PRIMARY KEY,
  report    TEXT NOT NULL REFERENCES reports (id),
  person    TEXT NOT NULL,
  name      TEXT NOT NULL,
  posts     TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  signed_at BIGINT NOT NULL,
  comment   TEXT NOT NULL,
  UNIQUE (report, person)
);
