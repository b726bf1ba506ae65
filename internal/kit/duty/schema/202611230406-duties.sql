-- +goose Up
-- What people said about what they owe. What is owed itself is worked out
-- each time and never stored.
CREATE TABLE duties (
  id         TEXT PRIMARY KEY,
  state      TEXT NOT NULL,
  said_by    TEXT NOT NULL,
  said_at    BIGINT NOT NULL,
  given_to   TEXT NOT NULL,
  until_at   BIGINT NOT NULL,
  note       TEXT NOT NULL
);
