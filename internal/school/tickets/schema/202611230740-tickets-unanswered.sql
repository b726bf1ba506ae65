-- +goose Up
-- What waits for an answer is asked for whenever a tray is shown.
CREATE INDEX tickets_unanswered ON tickets (answered_at, due_at);
