-- +goose Up
-- Who has said that they were told that use is monitored, and in which words:
-- version is a mark of the text.
CREATE TABLE notice_acknowledgements (
    id      TEXT PRIMARY KEY,
    person  TEXT NOT NULL,
    version TEXT NOT NULL,
    at      BIGINT NOT NULL,
    UNIQUE (person, version)
);
