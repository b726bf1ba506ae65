-- +goose Up
-- The web taken from somebody for a time by a sanction. mark is keyed: the
-- filter's question about a person finds it, and it names nobody. ended_at is
-- when it was given back early.
CREATE TABLE concern_pauses (
    id       TEXT PRIMARY KEY,
    concern  TEXT NOT NULL REFERENCES concerns (id),
    action   TEXT NOT NULL,
    mark     TEXT NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    sealed   TEXT NOT NULL
);
CREATE INDEX concern_pauses_concern ON concern_pauses (concern);
CREATE INDEX concern_pauses_mark ON concern_pauses (mark, until_at);
CREATE INDEX concern_pauses_until ON concern_pauses (until_at);
