-- +goose Up
-- What Belisha noticed by itself. subject says which one where there are
-- several, and is never a person.
CREATE TABLE alarms (
    id       TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    words    TEXT NOT NULL,
    may      TEXT NOT NULL,
    todo     TEXT NOT NULL,
    owner    TEXT NOT NULL,
    risk     BIGINT NOT NULL,
    link     TEXT NOT NULL,
    since    BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL,
    seen_by  TEXT NOT NULL,
    note     TEXT NOT NULL,
    told_at  BIGINT NOT NULL,
    version  BIGINT NOT NULL
);
CREATE INDEX alarms_running ON alarms (ended_at, risk);
CREATE INDEX alarms_since ON alarms (since, id);

-- One figure of an hour, such as the share of addresses with somebody signed
-- in: what later days are held against.
CREATE TABLE alarm_figures (
    hour  BIGINT NOT NULL,
    name  TEXT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    base  DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (name, hour)
);
