-- +goose Up
-- A trial of the filter: how many of its questions came out right. site is
-- "This machine" or the name of another site.
CREATE TABLE probe_runs (
    id    TEXT PRIMARY KEY,
    at    BIGINT NOT NULL,
    site  TEXT NOT NULL,
    kind  TEXT NOT NULL,
    took  BIGINT NOT NULL,
    well  BIGINT NOT NULL,
    wrong BIGINT NOT NULL,
    blind BIGINT NOT NULL,
    notso BIGINT NOT NULL,
    note  TEXT NOT NULL
);
CREATE INDEX probe_runs_at ON probe_runs (at, id);
CREATE INDEX probe_runs_site ON probe_runs (site, at);

-- One question of a trial. Those that came out right are removed after a week.
CREATE TABLE probe_answers (
    run_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    name   TEXT NOT NULL,
    area   TEXT NOT NULL,
    grp    TEXT NOT NULL,
    what   TEXT NOT NULL,
    state  TEXT NOT NULL,
    said   TEXT NOT NULL,
    PRIMARY KEY (run_id, number)
);
CREATE INDEX probe_answers_state ON probe_answers (state, run_id);

-- A device at another site that tries the filter there. hash is of its token.
CREATE TABLE probe_sites (
    id       TEXT PRIMARY KEY,
    site     TEXT NOT NULL,
    grp      TEXT NOT NULL,
    hash     TEXT NOT NULL,
    made_at  BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    version  BIGINT NOT NULL
);
CREATE UNIQUE INDEX probe_sites_hash ON probe_sites (hash);
