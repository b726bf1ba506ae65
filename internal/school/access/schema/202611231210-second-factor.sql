-- +goose Up
-- What somebody has besides a password. The secret is sealed: of an app the
-- seed of its codes, of a passkey its public record.
CREATE TABLE account_factors (
    id         TEXT PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES accounts (id),
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    site       TEXT NOT NULL,
    credential TEXT NOT NULL,
    secret     TEXT NOT NULL,
    made_at    BIGINT NOT NULL
);
CREATE INDEX account_factors_account ON account_factors (account);

-- What changes at every use stands apart, since the journal covers the others.
-- The counter is the last step of an app's codes, or a passkey's own count.
CREATE TABLE account_factor_uses (
    factor  TEXT PRIMARY KEY REFERENCES account_factors (id),
    used_at BIGINT NOT NULL,
    counter BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    id      TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id),
    hash    TEXT NOT NULL UNIQUE,
    made_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);
CREATE INDEX recovery_codes_account ON recovery_codes (account);

-- Who took somebody's second factor away, so that its owner is told.
CREATE TABLE factor_resets (
    id       TEXT PRIMARY KEY,
    account  TEXT NOT NULL REFERENCES accounts (id),
    at       BIGINT NOT NULL,
    by_actor TEXT NOT NULL,
    reason   TEXT NOT NULL
);
CREATE INDEX factor_resets_account ON factor_resets (account, at);

-- When the second factor was shown in a session, and when whoever uses it last
-- proved who they are.
ALTER TABLE sessions ADD COLUMN factor_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
