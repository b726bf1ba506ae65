-- +goose Up
CREATE TABLE journal_lines (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    on_behalf TEXT NOT NULL,
    verb TEXT NOT NULL,
    kind TEXT NOT NULL,
    record TEXT NOT NULL,
    detail_digest TEXT NOT NULL,
    rows_digest TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX journal_lines_record ON journal_lines (kind, record, seq);
CREATE INDEX journal_lines_verb ON journal_lines (verb, seq);
CREATE INDEX journal_lines_actor ON journal_lines (actor, seq);
CREATE INDEX journal_lines_at ON journal_lines (at);

-- The erasable part: what changed and why. Deleting a row leaves the chain
-- whole, because a line commits only to the digest of salt and detail.
CREATE TABLE journal_details (
    seq BIGINT PRIMARY KEY,
    salt TEXT NOT NULL,
    detail TEXT NOT NULL
);

-- What each row of a protected table looked like after the line, as a salted
-- digest. Only the newest digest of a row keeps its salt.
CREATE TABLE journal_rows (
    seq BIGINT NOT NULL,
    place BIGINT NOT NULL,
    table_name TEXT NOT NULL,
    row_id TEXT NOT NULL,
    gone BOOLEAN NOT NULL,
    salt TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (seq, place)
);
CREATE INDEX journal_rows_row ON journal_rows (table_name, row_id, seq);

CREATE TABLE journal_head (
    one BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO journal_head (one, seq, hash) VALUES (1, 0, '');

CREATE TABLE journal_cursors (
    name TEXT PRIMARY KEY,
    seq BIGINT NOT NULL
);
