-- +goose Up
-- What somebody should look at about an account: it seems to be used by two,
-- or its owner says that somebody else may know the password.
CREATE TABLE account_alerts (
    id          TEXT PRIMARY KEY,
    account     TEXT NOT NULL REFERENCES accounts (id),
    kind        TEXT NOT NULL,
    says        TEXT NOT NULL,
    at          BIGINT NOT NULL,
    reviewed_at BIGINT NOT NULL,
    reviewed_by TEXT NOT NULL,
    note        TEXT NOT NULL
);
CREATE INDEX account_alerts_open ON account_alerts (reviewed_at, at);

-- The head's word that the list of those with the most rights was looked at.
CREATE TABLE rights_reviews (
    id       TEXT PRIMARY KEY,
    at       BIGINT NOT NULL,
    by_actor TEXT NOT NULL,
    people   TEXT NOT NULL
);
