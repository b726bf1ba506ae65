-- +goose Up
-- One row: this school.
CREATE TABLE schools (
    one BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    code_until BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    done_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
INSERT INTO schools (one, name, host, code_hash, code_until, tries, done_at, version) VALUES (1, '', 'belisha.school', '', 0, 0, 0, 1);
