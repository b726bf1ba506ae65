-- +goose Up
-- What a school's system calls its classes and schools, so that a later
-- export of changes alone can be read.
CREATE TABLE roster_names (
    format   TEXT NOT NULL,
    what     TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    homeroom BOOLEAN NOT NULL,
    PRIMARY KEY (format, what, id)
);
