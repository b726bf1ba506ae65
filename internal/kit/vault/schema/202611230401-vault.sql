-- +goose Up
-- One row: the salt of a passphrase and a sealed word that tells the right
-- school key from a wrong one.
CREATE TABLE vault_roots (
  id         TEXT PRIMARY KEY,
  salt       TEXT NOT NULL,
  proof      TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Keys wrapped by the school key. id is "purpose:…", "secret:…" or
-- "record:…".
CREATE TABLE vault_keys (
  id         TEXT PRIMARY KEY,
  wrapped    TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
