-- +goose Up
-- One row per stored file. idle_since is when nothing used it any more, 0
-- while something does.
CREATE TABLE blobs (
  id         TEXT PRIMARY KEY,
  bytes      BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  idle_since BIGINT NOT NULL
);

-- What uses a file.
CREATE TABLE blob_uses (
  blob   TEXT NOT NULL,
  kind   TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (blob, kind, record)
);
CREATE INDEX blob_uses_record ON blob_uses (kind, record);
