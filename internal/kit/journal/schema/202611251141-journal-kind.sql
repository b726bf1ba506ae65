-- +goose Up
-- The newest lines of one kind, without sorting all of them.
CREATE INDEX journal_lines_kind ON journal_lines (kind, seq);
