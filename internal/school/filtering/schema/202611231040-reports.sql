-- +goose Up
-- How the latest attempt to take each list up went, for its page. It decides
-- nothing. report is JSON within bounds.
CREATE TABLE filter_reports (
    id      TEXT PRIMARY KEY,
    made_at BIGINT NOT NULL,
    report  TEXT NOT NULL
);

-- Lists that a supplier hands over under contract. No entry is kept in words:
-- segment holds keyed digests, and salt is sealed. A row is never deleted.
CREATE TABLE filter_licensed (
    id          TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    supplier    TEXT NOT NULL,
    subject     TEXT NOT NULL,
    url         TEXT NOT NULL,
    secret_file TEXT NOT NULL,
    private     BOOLEAN NOT NULL,
    form        TEXT NOT NULL,
    salt        TEXT NOT NULL,
    segment     TEXT NOT NULL,
    entries     BIGINT NOT NULL,
    digest      TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    imported_by TEXT NOT NULL,
    dated_at    BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    ended_at    BIGINT NOT NULL,
    version     BIGINT NOT NULL
);

-- How bringing a licensed list goes. It decides nothing.
CREATE TABLE filter_licensed_tries (
    id       TEXT PRIMARY KEY,
    tried_at BIGINT NOT NULL,
    well_at  BIGINT NOT NULL,
    due_at   BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    problem  TEXT NOT NULL
);
