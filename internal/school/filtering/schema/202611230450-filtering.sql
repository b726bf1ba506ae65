-- +goose Up
-- The school's own entries: a host, page, address or range that is opened or
-- closed. A row is never changed but for its end. groups, stages, places and
-- days are lists with commas; window is "08:30-15:30".
CREATE TABLE filter_own (
    id          TEXT PRIMARY KEY,
    entry       TEXT NOT NULL,
    act         TEXT NOT NULL,
    groups_in   TEXT NOT NULL,
    stages_in   TEXT NOT NULL,
    places_in   TEXT NOT NULL,
    days_in     TEXT NOT NULL,
    window_in   TEXT NOT NULL,
    from_at     BIGINT NOT NULL,
    until_at    BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    ground      TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    added_at    BIGINT NOT NULL,
    added_by    TEXT NOT NULL,
    ended_at    BIGINT NOT NULL,
    ended_by    TEXT NOT NULL
);
CREATE INDEX filter_own_ended ON filter_own (ended_at, entry);
CREATE INDEX filter_own_entry ON filter_own (entry);

-- What a filter manager decides about a whole category, where the policy
-- leaves it open or is less strict.
CREATE TABLE filter_categories (
    id       TEXT PRIMARY KEY,
    group_in TEXT NOT NULL,
    category TEXT NOT NULL,
    act      TEXT NOT NULL,
    reason   TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    ended_by TEXT NOT NULL
);
CREATE INDEX filter_categories_ended ON filter_categories (ended_at);

-- What must be closed or open whatever else changes. Checked before any
-- change comes into force.
CREATE TABLE filter_musts (
    id       TEXT PRIMARY KEY,
    url      TEXT NOT NULL,
    group_in TEXT NOT NULL,
    act      TEXT NOT NULL,
    reason   TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    ended_by TEXT NOT NULL
);
CREATE INDEX filter_musts_ended ON filter_musts (ended_at);

-- Lists that were imported. segment is the hash of the last good one; tried_at
-- and problem tell of the latest attempt.
CREATE TABLE filter_sources (
    id          TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    path        TEXT NOT NULL,
    format      TEXT NOT NULL,
    category    TEXT NOT NULL,
    mapping     TEXT NOT NULL,
    segment     TEXT NOT NULL,
    names       BIGINT NOT NULL,
    categories  TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    imported_by TEXT NOT NULL,
    dated_at    BIGINT NOT NULL,
    tried_at    BIGINT NOT NULL,
    problem     TEXT NOT NULL,
    enabled     BOOLEAN NOT NULL,
    version     BIGINT NOT NULL
);

-- Devices that are known by address or hardware address.
CREATE TABLE filter_devices (
    id        TEXT PRIMARY KEY,
    label     TEXT NOT NULL,
    addresses TEXT NOT NULL,
    mac       TEXT NOT NULL,
    group_in  TEXT NOT NULL,
    stage     TEXT NOT NULL,
    site      TEXT NOT NULL,
    place     TEXT NOT NULL,
    shared    BOOLEAN NOT NULL,
    ca        BOOLEAN NOT NULL,
    version   BIGINT NOT NULL
);

-- Every set of rules that was ever in force. rules_hash and the segments are
-- what the folder's manifest must say.
CREATE TABLE filter_versions (
    id         TEXT PRIMARY KEY,
    number     BIGINT NOT NULL,
    made_at    BIGINT NOT NULL,
    made_by    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    summary    TEXT NOT NULL,
    rules_hash TEXT NOT NULL,
    segments   TEXT NOT NULL,
    state_hash TEXT NOT NULL,
    settings   BIGINT NOT NULL
);
CREATE UNIQUE INDEX filter_versions_number ON filter_versions (number);

-- The rules and states that versions name by hash, packed. Old ones are
-- cleared away.
CREATE TABLE filter_bodies (
    hash    TEXT PRIMARY KEY,
    body    TEXT NOT NULL,
    kept_at BIGINT NOT NULL
);

-- The change log: rows are only ever added.
CREATE TABLE filter_changes (
    id          TEXT PRIMARY KEY,
    at          BIGINT NOT NULL,
    actor       TEXT NOT NULL,
    kind        TEXT NOT NULL,
    ref         TEXT NOT NULL,
    what        TEXT NOT NULL,
    was         TEXT NOT NULL,
    becomes     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX filter_changes_at ON filter_changes (at, id);

-- Who the head confirmed as holders of filter management; the newest row is in
-- force. people is ids, one a line.
CREATE TABLE filter_holders (
    id           TEXT PRIMARY KEY,
    confirmed_at BIGINT NOT NULL,
    confirmed_by TEXT NOT NULL,
    people       TEXT NOT NULL
);
CREATE INDEX filter_holders_at ON filter_holders (confirmed_at);
