-- +goose Up
-- Phrase lists that pages are weighed with. The row "starter" stands for the
-- list in the program, and is there once somebody switched an area of it. areas
-- and report are JSON; areas_off are the areas that are not in use, by words
-- with commas between; content is the built list, packed, in base64.
CREATE TABLE filter_phrase_lists (
    id           TEXT PRIMARY KEY,
    title        TEXT NOT NULL,
    path         TEXT NOT NULL,
    hash         TEXT NOT NULL,
    phrases      BIGINT NOT NULL,
    combinations BIGINT NOT NULL,
    areas        TEXT NOT NULL,
    areas_off    TEXT NOT NULL,
    report       TEXT NOT NULL,
    imported_at  BIGINT NOT NULL,
    imported_by  TEXT NOT NULL,
    tried_at     BIGINT NOT NULL,
    problem      TEXT NOT NULL,
    enabled      BOOLEAN NOT NULL,
    content      TEXT NOT NULL,
    version      BIGINT NOT NULL
);
