-- +goose Up
CREATE TABLE accounts (
    id              TEXT PRIMARY KEY,
    person          TEXT NOT NULL UNIQUE REFERENCES people (id),
    username        TEXT NOT NULL UNIQUE,
    password        TEXT NOT NULL,
    password_at     BIGINT NOT NULL,
    must_change     BOOLEAN NOT NULL,
    temporary_until BIGINT NOT NULL,
    disabled        BOOLEAN NOT NULL,
    made_at         BIGINT NOT NULL,
    version         BIGINT NOT NULL
);

-- What happens at every sign-in stands apart from the account, which the
-- journal covers. The row "nobody" counts tries at names that are no account's,
-- so that they take as long as others.
CREATE TABLE account_tries (
    account      TEXT PRIMARY KEY,
    failed       BIGINT NOT NULL,
    failed_since BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    last_in      BIGINT NOT NULL
);

CREATE TABLE sessions (
    id            TEXT PRIMARY KEY,
    token         TEXT NOT NULL UNIQUE,
    account       TEXT NOT NULL REFERENCES accounts (id),
    person        TEXT NOT NULL,
    subject       TEXT NOT NULL,
    address       TEXT NOT NULL,
    device        TEXT NOT NULL,
    place         TEXT NOT NULL,
    web           BOOLEAN NOT NULL,
    started_at    BIGINT NOT NULL,
    used_at       BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    locked_at     BIGINT NOT NULL,
    ended_at      BIGINT NOT NULL,
    ended_why     TEXT NOT NULL,
    longest_gap   BIGINT NOT NULL,
    longest_limit BIGINT NOT NULL
);
CREATE INDEX sessions_person ON sessions (person, ended_at);
CREATE INDEX sessions_open ON sessions (ended_at, used_at);

CREATE TABLE api_tokens (
    id           TEXT PRIMARY KEY,
    hash         TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    person       TEXT NOT NULL REFERENCES people (id),
    capabilities TEXT NOT NULL,
    made_at      BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL
);

CREATE TABLE api_token_uses (
    token   TEXT PRIMARY KEY REFERENCES api_tokens (id),
    used_at BIGINT NOT NULL
);

CREATE TABLE subjects (
    subject TEXT PRIMARY KEY,
    person  TEXT NOT NULL REFERENCES people (id),
    period  TEXT NOT NULL,
    from_at BIGINT NOT NULL
);
CREATE INDEX subjects_person ON subjects (person);

-- At which addresses the gate was told that somebody is, so that it can be
-- told when they are not.
CREATE TABLE web_addresses (
    subject  TEXT NOT NULL,
    address  TEXT NOT NULL,
    person   TEXT NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (subject, address)
);
CREATE INDEX web_addresses_person ON web_addresses (person);
