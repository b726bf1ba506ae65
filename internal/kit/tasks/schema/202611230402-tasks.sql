-- +goose Up
-- What each task did last and when it is due. lease_until is in the future
-- while a process runs it.
CREATE TABLE tasks (
  name        TEXT PRIMARY KEY,
  next_run    BIGINT NOT NULL,
  lease_by    TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  started_at  BIGINT NOT NULL,
  ended_at    BIGINT NOT NULL,
  kept_at     BIGINT NOT NULL,
  failures    BIGINT NOT NULL,
  error       TEXT NOT NULL
);
