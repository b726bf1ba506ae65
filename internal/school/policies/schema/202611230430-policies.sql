-- +goose Up
-- Every text that was ever proposed, by the hash of its text. Never changed.
CREATE TABLE policy_versions (
    id          TEXT    PRIMARY KEY,
    hash        TEXT    NOT NULL UNIQUE,
    title       TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    shipped     BOOLEAN NOT NULL,
    proposed_at BIGINT  NOT NULL,
    proposed_by TEXT    NOT NULL
);

-- Who approved which text. An approval given on paper is somebody's word.
CREATE TABLE policy_approvals (
    id       TEXT   PRIMARY KEY,
    version  TEXT   NOT NULL REFERENCES policy_versions (id),
    role     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    given_on BIGINT NOT NULL,
    minute   TEXT   NOT NULL,
    paper    BOOLEAN NOT NULL,
    kept_at  BIGINT NOT NULL,
    kept_by  TEXT   NOT NULL,
    UNIQUE (version, role)
);

-- Which text came into force when. The last row is in force now.
CREATE TABLE policy_activations (
    id           TEXT    PRIMARY KEY,
    number       BIGINT  NOT NULL UNIQUE,
    version      TEXT    NOT NULL REFERENCES policy_versions (id),
    activated_at BIGINT  NOT NULL,
    activated_by TEXT    NOT NULL,
    approved     BOOLEAN NOT NULL
);

-- What each control found. A row stands for the time from found_at to
-- seen_at, in which the state did not change; a new one begins each day. seq counts a control's rows, so
-- that their order survives a clock that jumps back.
CREATE TABLE control_findings (
    id        TEXT   PRIMARY KEY,
    slug      TEXT   NOT NULL,
    seq       BIGINT NOT NULL,
    found_at  BIGINT NOT NULL,
    seen_at   BIGINT NOT NULL,
    state     TEXT   NOT NULL,
    finding   TEXT   NOT NULL
);
CREATE UNIQUE INDEX control_findings_slug ON control_findings (slug, seq);
