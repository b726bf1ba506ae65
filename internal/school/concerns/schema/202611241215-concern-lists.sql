-- +goose Up
-- The lists of a long log are read from these alone.
CREATE INDEX concerns_list ON concerns (reported_at, id, route, tier, sight, state, kind);
CREATE INDEX concerns_counts ON concerns (month, kind, state);
DROP INDEX concerns_month;
DROP INDEX concerns_reported;
