-- +goose Up
-- What somebody reported about the filter. who is a person, "" where nobody
-- was signed in; place is where the device is, "" where that is not known. The
-- address itself is not kept.
CREATE TABLE tickets (
    id          TEXT PRIMARY KEY,
    number      BIGINT NOT NULL,
    kind        TEXT NOT NULL,
    site        TEXT NOT NULL,
    said        TEXT NOT NULL,
    who         TEXT NOT NULL,
    audience    TEXT NOT NULL,
    place       TEXT NOT NULL,
    asked_at    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    owner       TEXT NOT NULL,
    state       TEXT NOT NULL,
    taken_by    TEXT NOT NULL,
    taken_at    BIGINT NOT NULL,
    answered_at BIGINT NOT NULL,
    outcome     TEXT NOT NULL,
    closed_at   BIGINT NOT NULL,
    reopened    BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE UNIQUE INDEX tickets_number ON tickets (number);
CREATE INDEX tickets_state ON tickets (state, due_at);
CREATE INDEX tickets_who ON tickets (who, asked_at);
CREATE INDEX tickets_asked ON tickets (asked_at, id);

-- What happened to a ticket; rows are only ever added.
CREATE TABLE ticket_events (
    id        TEXT PRIMARY KEY,
    ticket_id TEXT NOT NULL,
    at        BIGINT NOT NULL,
    by_id     TEXT NOT NULL,
    what      TEXT NOT NULL,
    said      TEXT NOT NULL
);
CREATE INDEX ticket_events_ticket ON ticket_events (ticket_id, at, id);
