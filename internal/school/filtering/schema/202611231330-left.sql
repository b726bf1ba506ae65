-- +goose Up
-- Sites whose encryption is never ended, for anybody, that a filter manager
-- added to those of the policy: mostly programs that take no certificate but
-- their maker's. A row is never changed but for its end.
CREATE TABLE filter_left (
    id       TEXT PRIMARY KEY,
    host     TEXT NOT NULL,
    reason   TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    ended_by TEXT NOT NULL
);
CREATE INDEX filter_left_ended ON filter_left (ended_at, host);
