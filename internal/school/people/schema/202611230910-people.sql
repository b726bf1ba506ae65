-- +goose Up
CREATE TABLE people (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    given       TEXT NOT NULL,
    family      TEXT NOT NULL,
    preferred   TEXT NOT NULL DEFAULT '',
    born        TEXT NOT NULL DEFAULT '',
    username    TEXT NOT NULL DEFAULT '',
    email       TEXT NOT NULL DEFAULT '',
    upn         TEXT NOT NULL DEFAULT '',
    mis         TEXT NOT NULL DEFAULT '',
    sourced     TEXT NOT NULL DEFAULT '',
    source      TEXT NOT NULL,
    year        TEXT NOT NULL DEFAULT '',
    class       TEXT NOT NULL DEFAULT '',
    site        TEXT NOT NULL,
    from_day    TEXT NOT NULL DEFAULT '',
    until_day   TEXT NOT NULL DEFAULT '',
    no_access   BOOLEAN NOT NULL DEFAULT FALSE,
    search      TEXT NOT NULL DEFAULT '',
    sort_name   TEXT NOT NULL DEFAULT '',
    version     BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX people_username ON people (username) WHERE username <> '';
CREATE UNIQUE INDEX people_upn ON people (upn) WHERE upn <> '';
CREATE UNIQUE INDEX people_sourced ON people (sourced) WHERE sourced <> '';
CREATE INDEX people_sort ON people (sort_name, id);
CREATE INDEX people_kind ON people (kind, year, class);

CREATE TABLE families (
    parent      TEXT NOT NULL REFERENCES people (id),
    child       TEXT NOT NULL REFERENCES people (id),
    relation    TEXT NOT NULL DEFAULT '',
    responsible BOOLEAN NOT NULL DEFAULT FALSE,
    place       BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (parent, child)
);
CREATE INDEX families_child ON families (child);

CREATE TABLE class_members (
    class   TEXT NOT NULL,
    person  TEXT NOT NULL REFERENCES people (id),
    teaches BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (class, person)
);
CREATE INDEX class_members_person ON class_members (person);

CREATE TABLE posts (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL REFERENCES people (id),
    post     TEXT NOT NULL,
    deputy   BOOLEAN NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    public   BOOLEAN NOT NULL,
    contact  TEXT NOT NULL,
    version  BIGINT NOT NULL
);
CREATE INDEX posts_person ON posts (person);
CREATE INDEX posts_post ON posts (post);

CREATE TABLE sites (
    site    TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    zone    TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE TABLE terms (
    id        TEXT PRIMARY KEY,
    site      TEXT NOT NULL REFERENCES sites (site),
    name      TEXT NOT NULL,
    from_day  TEXT NOT NULL,
    until_day TEXT NOT NULL
);
CREATE TABLE closures (
    id        TEXT PRIMARY KEY,
    site      TEXT NOT NULL REFERENCES sites (site),
    name      TEXT NOT NULL,
    from_day  TEXT NOT NULL,
    until_day TEXT NOT NULL
);
CREATE TABLE school_hours (
    site    TEXT NOT NULL REFERENCES sites (site),
    weekday BIGINT NOT NULL,
    opens   BIGINT NOT NULL,
    closes  BIGINT NOT NULL,
    PRIMARY KEY (site, weekday)
);
CREATE TABLE lessons (
    id      TEXT PRIMARY KEY,
    site    TEXT NOT NULL REFERENCES sites (site),
    name    TEXT NOT NULL,
    weekday BIGINT NOT NULL,
    starts  BIGINT NOT NULL,
    ends    BIGINT NOT NULL
);

CREATE TABLE imports (
    id      TEXT PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    file    TEXT NOT NULL,
    format  TEXT NOT NULL,
    digest  TEXT NOT NULL,
    result  TEXT NOT NULL
);
CREATE INDEX imports_at ON imports (at);

CREATE TABLE import_profiles (
    fingerprint TEXT PRIMARY KEY,
    mapping     TEXT NOT NULL,
    used_at     BIGINT NOT NULL
);
