-- +goose Up
-- Where a list is fetched from, as somebody decided. sum is "", a sha256 in
-- hexadecimal, or the address of a file of sums.
CREATE TABLE filter_supplies (
    id       TEXT PRIMARY KEY,
    title    TEXT NOT NULL,
    url      TEXT NOT NULL,
    format   TEXT NOT NULL,
    category TEXT NOT NULL,
    mapping  TEXT NOT NULL,
    sum      TEXT NOT NULL,
    plain    BOOLEAN NOT NULL,
    private  BOOLEAN NOT NULL,
    reason   TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    version  BIGINT NOT NULL
);

-- How fetching goes. Nothing here decides anything; terms is the digest of the
-- decision that etag, modified and got belong to.
CREATE TABLE filter_fetches (
    id            TEXT PRIMARY KEY,
    terms         TEXT NOT NULL,
    etag          TEXT NOT NULL,
    modified      TEXT NOT NULL,
    got           TEXT NOT NULL,
    well_at       BIGINT NOT NULL,
    tried_at      BIGINT NOT NULL,
    due_at        BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    problem       TEXT NOT NULL,
    problem_since BIGINT NOT NULL
);
