-- +goose Up
-- Which pages of the set-up were saved or passed by.
CREATE TABLE setup_steps (
    slug TEXT PRIMARY KEY,
    done_at BIGINT NOT NULL
);
-- What the set-up was told about sites that stand on no list: '' for as the
-- chosen policy says.
ALTER TABLE schools ADD COLUMN unlisted TEXT NOT NULL DEFAULT '';
