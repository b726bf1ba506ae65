-- +goose Up
-- Whose tasks can be read as a calendar: the address is a secret, of which
-- only the digest lies here.
CREATE TABLE calendar_feeds (
  person  TEXT PRIMARY KEY,
  digest  TEXT NOT NULL UNIQUE,
  made_at BIGINT NOT NULL
);
