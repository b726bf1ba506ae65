-- +goose Up
-- What somebody asked to be allowed.
CREATE TABLE approvals (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  record     TEXT NOT NULL,
  title      TEXT NOT NULL,
  why        TEXT NOT NULL,
  link       TEXT NOT NULL,
  asked_by   TEXT NOT NULL,
  asked_name TEXT NOT NULL,
  person     TEXT NOT NULL,
  asked_at   BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  state      TEXT NOT NULL,
  closed_at  BIGINT NOT NULL
);
CREATE INDEX approvals_record ON approvals (kind, record);
CREATE INDEX approvals_state ON approvals (state, expires_at);

-- Who has to say yes, and what they said. A post decides itself; a body
-- decides in a meeting, and its recorder enters the minute.
CREATE TABLE approval_parts (
  id         TEXT PRIMARY KEY,
  approval   TEXT NOT NULL REFERENCES approvals (id),
  place      BIGINT NOT NULL,
  post       TEXT NOT NULL,
  body       TEXT NOT NULL,
  decision   TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  name       TEXT NOT NULL,
  decided_at BIGINT NOT NULL,
  on_day     TEXT NOT NULL,
  minute     TEXT NOT NULL,
  note       TEXT NOT NULL,
  paper      BOOLEAN NOT NULL,
  UNIQUE (approval, place)
);
