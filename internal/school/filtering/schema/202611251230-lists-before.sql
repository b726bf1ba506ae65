-- +goose Up
-- The list that was in force before the one that is, to go back to. undone
-- says that somebody went back, and that this row is what they went back from.
CREATE TABLE filter_before (
    id     TEXT PRIMARY KEY,
    was    TEXT NOT NULL,
    undone BOOLEAN NOT NULL
);
