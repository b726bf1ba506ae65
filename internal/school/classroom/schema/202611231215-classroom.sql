-- +goose Up
-- What a teacher set for a class until an end: kind is pause, focus or
-- supervise. hosts are lines. ended_at is when it was over, by the clock or
-- before; 0 while it runs.
CREATE TABLE class_settings (
    id       TEXT PRIMARY KEY,
    kind     TEXT NOT NULL,
    class    TEXT NOT NULL,
    place    TEXT NOT NULL,
    hosts    TEXT NOT NULL,
    note     TEXT NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    set_by   TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    ended_by TEXT NOT NULL,
    version  BIGINT NOT NULL
);
CREATE INDEX class_settings_open ON class_settings (ended_at, until_at);
CREATE INDEX class_settings_class ON class_settings (class, from_at);

-- Who looked at a site before it was used with pupils, when, and what they
-- found. The newest row of a host counts. verdict is suitable, care or not.
CREATE TABLE class_previews (
    id        TEXT PRIMARY KEY,
    host      TEXT NOT NULL,
    verdict   TEXT NOT NULL,
    from_year TEXT NOT NULL,
    to_year   TEXT NOT NULL,
    note      TEXT NOT NULL,
    looked_at BIGINT NOT NULL,
    looked_by TEXT NOT NULL,
    newest    BOOLEAN NOT NULL
);
CREATE INDEX class_previews_host ON class_previews (host, looked_at);
CREATE INDEX class_previews_newest ON class_previews (newest, host);

-- Sites that are used together: for a lesson, or for homework. plan is what
-- the class does with them, and for whom.
CREATE TABLE class_lists (
    id       TEXT PRIMARY KEY,
    title    TEXT NOT NULL,
    hosts    TEXT NOT NULL,
    plan     TEXT NOT NULL,
    class    TEXT NOT NULL,
    homework BOOLEAN NOT NULL,
    made_at  BIGINT NOT NULL,
    made_by  TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    version  BIGINT NOT NULL
);
CREATE INDEX class_lists_open ON class_lists (ended_at, title);
