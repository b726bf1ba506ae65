-- +goose Up
-- Single files that somebody asked to download although their kind is closed.
-- hash is the SHA-256 of the very bytes in hex, empty where they are not
-- known. states: asked, granted, refused, withdrawn, lapsed, ended. until_at is
-- the end of what was granted, and before that of the time for deciding.
CREATE TABLE filter_permits (
    id         TEXT PRIMARY KEY,
    host       TEXT NOT NULL,
    path       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    asker_is   TEXT NOT NULL,
    state      TEXT NOT NULL,
    asked_at   BIGINT NOT NULL,
    asked_by   TEXT NOT NULL,
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    decided_by TEXT NOT NULL,
    answer     TEXT NOT NULL,
    ended_at   BIGINT NOT NULL,
    ended_by   TEXT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX filter_permits_state ON filter_permits (state, until_at);
CREATE INDEX filter_permits_asker ON filter_permits (asked_by, asked_at);
CREATE INDEX filter_permits_asked ON filter_permits (asked_at, id);
