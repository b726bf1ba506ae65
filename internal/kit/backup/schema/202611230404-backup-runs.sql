-- +goose Up
-- What came of each backup, each check of one, and each restore drill.
CREATE TABLE backup_runs (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  result     TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at   BIGINT NOT NULL,
  file       TEXT NOT NULL,
  target     TEXT NOT NULL,
  bytes      BIGINT NOT NULL,
  sha256     TEXT NOT NULL,
  encrypted  BOOLEAN NOT NULL,
  files      BIGINT NOT NULL,
  seq        BIGINT NOT NULL,
  note       TEXT NOT NULL
);
CREATE INDEX backup_runs_kind ON backup_runs (kind, ended_at);
