-- +goose Up
CREATE TABLE agreement_drafts (
    sheet    TEXT PRIMARY KEY,
    body     TEXT NOT NULL,
    by_actor TEXT NOT NULL,
    at       BIGINT NOT NULL,
    version  BIGINT NOT NULL
);

CREATE TABLE agreement_editions (
    id       TEXT PRIMARY KEY,
    sheet    TEXT NOT NULL,
    number   BIGINT NOT NULL,
    body     TEXT NOT NULL,
    hash     TEXT NOT NULL,
    small    BOOLEAN NOT NULL,
    binds    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    lost     TEXT NOT NULL,
    by_actor TEXT NOT NULL,
    at       BIGINT NOT NULL,
    UNIQUE (sheet, number)
);

CREATE TABLE agreement_signatures (
    id          TEXT PRIMARY KEY,
    sheet       TEXT NOT NULL,
    number      BIGINT NOT NULL,
    hash        TEXT NOT NULL,
    person      TEXT NOT NULL,
    role        TEXT NOT NULL,
    signer      TEXT NOT NULL,
    name        TEXT NOT NULL,
    job         TEXT NOT NULL,
    method      TEXT NOT NULL,
    day         TEXT NOT NULL,
    at          BIGINT NOT NULL,
    clauses     TEXT NOT NULL,
    discussed   BOOLEAN NOT NULL,
    class       TEXT NOT NULL,
    place       TEXT NOT NULL,
    batch       TEXT NOT NULL,
    party       TEXT NOT NULL,
    until_day   TEXT NOT NULL,
    by_actor    TEXT NOT NULL,
    voided_at   BIGINT NOT NULL,
    voided_by   TEXT NOT NULL,
    void_reason TEXT NOT NULL
);
CREATE UNIQUE INDEX agreement_signatures_once ON agreement_signatures (person, sheet, number, role) WHERE voided_at = 0 AND person <> '';
CREATE INDEX agreement_signatures_batch ON agreement_signatures (batch);
CREATE INDEX agreement_signatures_sheet ON agreement_signatures (sheet, at);

CREATE TABLE agreement_modes (
    id       TEXT PRIMARY KEY,
    audience TEXT NOT NULL,
    mode     TEXT NOT NULL,
    from_day TEXT NOT NULL,
    counted  BIGINT NOT NULL,
    by_actor TEXT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE agreement_chases (
    id       TEXT PRIMARY KEY,
    sheet    TEXT NOT NULL,
    mailed   BIGINT NOT NULL,
    unmailed BIGINT NOT NULL,
    by_actor TEXT NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX agreement_chases_sheet ON agreement_chases (sheet, at);

CREATE TABLE policy_readings (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL,
    title    TEXT NOT NULL,
    edition  TEXT NOT NULL,
    name     TEXT NOT NULL,
    at       BIGINT NOT NULL,
    UNIQUE (person, title, edition)
);

CREATE TABLE class_talks (
    id          TEXT PRIMARY KEY,
    school_year TEXT NOT NULL,
    class       TEXT NOT NULL,
    day         TEXT NOT NULL,
    teacher     TEXT NOT NULL,
    present     BIGINT NOT NULL,
    by_actor    TEXT NOT NULL,
    at          BIGINT NOT NULL,
    UNIQUE (school_year, class)
);
CREATE TABLE class_talk_absences (
    talk   TEXT NOT NULL REFERENCES class_talks (id),
    person TEXT NOT NULL,
    caught TEXT NOT NULL,
    PRIMARY KEY (talk, person)
);
