-- +goose Up
-- What waits is asked for by every page of those who act on it, and is read
-- from this alone.
CREATE INDEX concerns_waiting ON concerns (state, risk, reported_at, id, route, tier, sight, owner, read_at, first_at, due_at);
DROP INDEX concerns_state;
