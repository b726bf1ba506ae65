-- +goose Up
-- A concern. What happened, and who told of it, is sealed in about and in the
-- entries; reporter and reply_code are keyed marks that tell nobody anything.
CREATE TABLE concerns (
    id              TEXT PRIMARY KEY,
    form            TEXT NOT NULL UNIQUE,
    source          TEXT NOT NULL,
    kind            TEXT NOT NULL,
    also            TEXT NOT NULL,
    route           TEXT NOT NULL,
    tier            BIGINT NOT NULL,
    sight           TEXT NOT NULL,
    risk            BIGINT NOT NULL,
    state           TEXT NOT NULL,
    owner           TEXT NOT NULL,
    danger          BOOLEAN NOT NULL,
    images          BOOLEAN NOT NULL,
    care            BOOLEAN NOT NULL,
    hold            BOOLEAN NOT NULL,
    confidential    BOOLEAN NOT NULL,
    reporter        TEXT NOT NULL,
    reply_code      TEXT NOT NULL,
    about           TEXT NOT NULL,
    month           TEXT NOT NULL,
    reported_at     BIGINT NOT NULL,
    clock_at        BIGINT NOT NULL,
    due_at          BIGINT NOT NULL,
    read_at         BIGINT NOT NULL,
    first_at        BIGINT NOT NULL,
    referral_due_at BIGINT NOT NULL,
    decided_at      BIGINT NOT NULL,
    closed_at       BIGINT NOT NULL,
    keep_from       BIGINT NOT NULL,
    version         BIGINT NOT NULL
);
CREATE INDEX concerns_reported ON concerns (reported_at, id);
CREATE INDEX concerns_state ON concerns (state, risk, reported_at);
CREATE INDEX concerns_month ON concerns (month, kind);
CREATE INDEX concerns_kind ON concerns (kind, reported_at);
CREATE INDEX concerns_reporter ON concerns (reporter, reported_at);
CREATE INDEX concerns_code ON concerns (reply_code);
CREATE INDEX concerns_owner ON concerns (owner, state);

-- Who is in it and how. mark is keyed: it finds a person's cases and names
-- nobody. role 'kept' is somebody who must not read it.
CREATE TABLE concern_people (
    id      TEXT PRIMARY KEY,
    concern TEXT NOT NULL REFERENCES concerns (id),
    role    TEXT NOT NULL,
    mark    TEXT NOT NULL,
    gone    BOOLEAN NOT NULL,
    sealed  TEXT NOT NULL
);
CREATE INDEX concern_people_concern ON concern_people (concern);
CREATE INDEX concern_people_mark ON concern_people (mark, concern);

-- The story of a case, in time order. An entry is never changed: another one
-- amends it.
CREATE TABLE concern_entries (
    id      TEXT PRIMARY KEY,
    concern TEXT NOT NULL REFERENCES concerns (id),
    kind    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    amends  TEXT NOT NULL,
    sealed  TEXT NOT NULL
);
CREATE INDEX concern_entries_concern ON concern_entries (concern, at, id);

CREATE TABLE concern_actions (
    id       TEXT PRIMARY KEY,
    concern  TEXT NOT NULL REFERENCES concerns (id),
    kind     TEXT NOT NULL,
    given_to TEXT NOT NULL,
    state    TEXT NOT NULL,
    made_at  BIGINT NOT NULL,
    due_at   BIGINT NOT NULL,
    done_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    sealed   TEXT NOT NULL,
    version  BIGINT NOT NULL
);
CREATE INDEX concern_actions_concern ON concern_actions (concern, made_at);
CREATE INDEX concern_actions_given ON concern_actions (given_to, state);

-- Who may see a case besides those it goes to ('named'), who opened one that
-- is kept from them ('break'), and the purpose of a look at one that is closed
-- ('look').
CREATE TABLE concern_sights (
    id       TEXT PRIMARY KEY,
    concern  TEXT NOT NULL REFERENCES concerns (id),
    person   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    ended    BOOLEAN NOT NULL,
    sealed   TEXT NOT NULL
);
CREATE INDEX concern_sights_concern ON concern_sights (concern, person);
CREATE INDEX concern_sights_person ON concern_sights (person, until_at);

CREATE TABLE concern_files (
    id      TEXT PRIMARY KEY,
    concern TEXT NOT NULL REFERENCES concerns (id),
    blob    TEXT NOT NULL,
    bytes   BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    sealed  TEXT NOT NULL
);
CREATE INDEX concern_files_concern ON concern_files (concern, at);

-- Which row or signal of the record of web use a case came from.
CREATE TABLE concern_refs (
    ref     TEXT NOT NULL,
    concern TEXT NOT NULL REFERENCES concerns (id),
    PRIMARY KEY (ref, concern)
);
CREATE INDEX concern_refs_concern ON concern_refs (concern);

-- That somebody read the trends, or said that there was nothing to record.
CREATE TABLE concern_receipts (
    id     TEXT PRIMARY KEY,
    kind   TEXT NOT NULL,
    person TEXT NOT NULL,
    post   TEXT NOT NULL,
    at     BIGINT NOT NULL
);
CREATE INDEX concern_receipts_kind ON concern_receipts (kind, at);

-- What somebody has typed and not sent yet. id is a keyed mark.
CREATE TABLE concern_drafts (
    id     TEXT PRIMARY KEY,
    loose  BOOLEAN NOT NULL,
    at     BIGINT NOT NULL,
    sealed TEXT NOT NULL
);
CREATE INDEX concern_drafts_at ON concern_drafts (at);
