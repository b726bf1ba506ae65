-- +goose Up
CREATE TABLE confiscated (
  id            TEXT PRIMARY KEY,
  version       BIGINT NOT NULL,
  state         TEXT NOT NULL,
  made_by       TEXT NOT NULL,
  made_name     TEXT NOT NULL,
  made_at       BIGINT NOT NULL,
  changed_name  TEXT NOT NULL,
  changed_at    BIGINT NOT NULL,
  closed_at     BIGINT NOT NULL,
  reviewed_by   TEXT NOT NULL,
  reviewed_name TEXT NOT NULL,
  reviewed_at   BIGINT NOT NULL,
  void_reason   TEXT NOT NULL,
  pupil         TEXT NOT NULL,
  device        TEXT NOT NULL,
  reason        TEXT NOT NULL,
  what_happened TEXT NOT NULL,
  taken_at      BIGINT NOT NULL,
  taken_by      TEXT NOT NULL,
  held          TEXT NOT NULL,
  released_to   TEXT NOT NULL,
  released_at   BIGINT NOT NULL,
  signature     TEXT NOT NULL
);
CREATE INDEX confiscated_made ON confiscated (made_at);
CREATE INDEX confiscated_pupil ON confiscated (pupil);
