-- +goose Up
-- Closed sites that somebody asked to have opened for a lesson. hosts is a
-- list with commas; open_for is "class:8B", "year:8" or "pupils". states:
-- asked, granted, refused, withdrawn, lapsed, ended.
CREATE TABLE filter_unblocks (
    id         TEXT PRIMARY KEY,
    hosts      TEXT NOT NULL,
    open_for   TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    social     BOOLEAN NOT NULL,
    state      TEXT NOT NULL,
    asked_at   BIGINT NOT NULL,
    asked_by   TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    decided_by TEXT NOT NULL,
    answer     TEXT NOT NULL,
    ended_at   BIGINT NOT NULL,
    ended_by   TEXT NOT NULL,
    version    BIGINT NOT NULL
);
CREATE INDEX filter_unblocks_state ON filter_unblocks (state, until_at);
CREATE INDEX filter_unblocks_asker ON filter_unblocks (asked_by, asked_at);
CREATE INDEX filter_unblocks_asked ON filter_unblocks (asked_at, id);
