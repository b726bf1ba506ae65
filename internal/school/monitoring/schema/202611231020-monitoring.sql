-- +goose Up
-- Who the head confirmed as monitors. The newest row is the list in force;
-- people is ids, one a line.
CREATE TABLE monitor_lists (
    id           TEXT PRIMARY KEY,
    confirmed_at BIGINT NOT NULL,
    confirmed_by TEXT NOT NULL,
    people       TEXT NOT NULL
);
CREATE INDEX monitor_lists_at ON monitor_lists (confirmed_at);

-- When the head let names be recorded. ended_at 0: still.
CREATE TABLE recordings (
    id           TEXT PRIMARY KEY,
    confirmed_at BIGINT NOT NULL,
    confirmed_by TEXT NOT NULL,
    assessed_on  TEXT NOT NULL,
    notice       TEXT NOT NULL,
    ended_at     BIGINT NOT NULL,
    ended_by     TEXT NOT NULL
);

-- A purpose that somebody gave, for one session and a time. The reason stands
-- in the journal's erasable detail.
CREATE TABLE monitoring_purposes (
    id       TEXT PRIMARY KEY,
    actor    TEXT NOT NULL,
    session  TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);
CREATE INDEX monitoring_purposes_actor ON monitoring_purposes (actor, session, until_at);

-- Every look at the record. What was asked stands in the journal's detail.
CREATE TABLE monitoring_looks (
    id       TEXT PRIMARY KEY,
    purpose  TEXT NOT NULL REFERENCES monitoring_purposes (id),
    actor    TEXT NOT NULL,
    kind     TEXT NOT NULL,
    rows_n   BIGINT NOT NULL,
    looked_at BIGINT NOT NULL
);
CREATE INDEX monitoring_looks_at ON monitoring_looks (looked_at);

-- What should worry a safeguarding lead. about is sealed.
CREATE TABLE signals (
    id        TEXT PRIMARY KEY,
    who       TEXT NOT NULL,
    subject   TEXT NOT NULL,
    device    TEXT NOT NULL,
    address   TEXT NOT NULL,
    first_at  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    times     BIGINT NOT NULL,
    about     TEXT NOT NULL,
    state     TEXT NOT NULL,
    raised_at BIGINT NOT NULL,
    seen_at   BIGINT NOT NULL,
    seen_by   TEXT NOT NULL,
    closed_at BIGINT NOT NULL,
    closed_by TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    version   BIGINT NOT NULL
);
CREATE INDEX signals_state ON signals (state, first_at);
CREATE INDEX signals_who ON signals (who, last_at);

-- The events behind a signal, so that one told twice counts once.
CREATE TABLE signal_events (
    gate   TEXT NOT NULL,
    number BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    signal TEXT NOT NULL REFERENCES signals (id),
    PRIMARY KEY (gate, number, at)
);
CREATE INDEX signal_events_signal ON signal_events (signal);
