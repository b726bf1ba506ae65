-- +goose Up
-- Guests who agreed to the terms and went on: an address and a time, no name.
CREATE TABLE guests (
    id TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);
CREATE INDEX guests_until ON guests (until_at);
