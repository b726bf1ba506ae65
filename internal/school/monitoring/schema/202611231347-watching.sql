-- +goose Up
-- A list of monitors that somebody asked the head to confirm. people is ids,
-- one a line. approval is the request in the table of approvals.
CREATE TABLE monitor_proposals (
    id        TEXT PRIMARY KEY,
    asked_at  BIGINT NOT NULL,
    asked_by  TEXT NOT NULL,
    people    TEXT NOT NULL,
    approval  TEXT NOT NULL,
    state     TEXT NOT NULL,
    closed_at BIGINT NOT NULL,
    list      TEXT NOT NULL
);
CREATE INDEX monitor_proposals_list ON monitor_proposals (list);

-- The code on a monitor's badge, by which anybody may check it.
CREATE TABLE monitor_badges (
    person  TEXT PRIMARY KEY,
    code    TEXT NOT NULL UNIQUE,
    made_at BIGINT NOT NULL
);

-- Sight of the record that a monitor or the head gives a contractor, for a
-- purpose and a time. ended_at 0: not ended early.
CREATE TABLE contractor_grants (
    id         TEXT PRIMARY KEY,
    person     TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    why        TEXT NOT NULL,
    names      BOOLEAN NOT NULL,
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    granted_at BIGINT NOT NULL,
    granted_by TEXT NOT NULL,
    ended_at   BIGINT NOT NULL,
    ended_by   TEXT NOT NULL
);
CREATE INDEX contractor_grants_person ON contractor_grants (person, until_at);
CREATE INDEX contractor_grants_until ON contractor_grants (until_at);

-- A review of who looked at the record, by somebody who did not.
CREATE TABLE watch_reviews (
    id        TEXT PRIMARY KEY,
    from_at   BIGINT NOT NULL,
    to_at     BIGINT NOT NULL,
    reviewer  TEXT NOT NULL,
    signed_at BIGINT NOT NULL,
    looks     BIGINT NOT NULL,
    digest    TEXT NOT NULL,
    remarks   TEXT NOT NULL
);
CREATE INDEX watch_reviews_from ON watch_reviews (from_at);

-- Which looks a review was of.
CREATE TABLE watch_review_looks (
    look   TEXT PRIMARY KEY,
    review TEXT NOT NULL REFERENCES watch_reviews (id)
);

-- A talk with somebody who watches: how they are, and what they need.
CREATE TABLE support_meetings (
    id      TEXT PRIMARY KEY,
    person  TEXT NOT NULL,
    held_on TEXT NOT NULL,
    note    TEXT NOT NULL,
    held_by TEXT NOT NULL,
    kept_at BIGINT NOT NULL
);
CREATE INDEX support_meetings_person ON support_meetings (person, held_on);

-- The random sample of a period. seed decides which rows; its digest stands in
-- the journal from the day the draw was planned.
CREATE TABLE draws (
    id         TEXT PRIMARY KEY,
    period     TEXT NOT NULL UNIQUE,
    planned_at BIGINT NOT NULL,
    seed       TEXT NOT NULL,
    size_n     BIGINT NOT NULL,
    drawn_at   BIGINT NOT NULL,
    from_at    BIGINT NOT NULL,
    to_at      BIGINT NOT NULL,
    pool_n     BIGINT NOT NULL
);
CREATE INDEX draws_planned ON draws (planned_at);

-- A drawn row is named, not copied: it leaves with the record itself.
CREATE TABLE draw_rows (
    id        TEXT PRIMARY KEY,
    draw      TEXT NOT NULL REFERENCES draws (id),
    place     BIGINT NOT NULL,
    gate      TEXT NOT NULL,
    number    BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    verdict   TEXT NOT NULL,
    judged_by TEXT NOT NULL,
    judged_at BIGINT NOT NULL,
    version   BIGINT NOT NULL
);
CREATE INDEX draw_rows_draw ON draw_rows (draw, place);
CREATE INDEX draw_rows_verdict ON draw_rows (verdict, at);

-- The impact assessment, version by version. body is its parts as JSON.
CREATE TABLE assessments (
    id        TEXT PRIMARY KEY,
    number    BIGINT NOT NULL UNIQUE,
    saved_at  BIGINT NOT NULL,
    saved_by  TEXT NOT NULL,
    body      TEXT NOT NULL,
    consulted TEXT NOT NULL,
    review_on TEXT NOT NULL
);

-- What a recording of names rests on: which assessment, and the notice as it
-- was given.
CREATE TABLE recording_grounds (
    recording   TEXT PRIMARY KEY REFERENCES recordings (id),
    assessment  TEXT NOT NULL REFERENCES assessments (id),
    notice_text TEXT NOT NULL,
    told_on     TEXT NOT NULL
);

-- Why the law lets the school do one kind of monitoring, on somebody's word.
CREATE TABLE monitoring_bases (
    id          TEXT PRIMARY KEY,
    activity    TEXT NOT NULL,
    basis       TEXT NOT NULL,
    note        TEXT NOT NULL,
    reviewer    TEXT NOT NULL,
    reviewed_on TEXT NOT NULL,
    next_on     TEXT NOT NULL,
    kept_at     BIGINT NOT NULL,
    kept_by     TEXT NOT NULL
);
CREATE INDEX monitoring_bases_activity ON monitoring_bases (activity, kept_at);

-- Why nothing was recorded for a time.
CREATE TABLE log_gaps (
    id      TEXT PRIMARY KEY,
    site    TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    why     TEXT NOT NULL,
    said_by TEXT NOT NULL,
    said_at BIGINT NOT NULL
);
CREATE INDEX log_gaps_from ON log_gaps (from_at);

-- A part of one person's record that a senior leader asked for.
CREATE TABLE releases (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    why      TEXT NOT NULL,
    from_on  TEXT NOT NULL,
    to_on    TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    state    TEXT NOT NULL,
    said_at  BIGINT NOT NULL,
    said_by  TEXT NOT NULL,
    until_at BIGINT NOT NULL
);
CREATE INDEX releases_asked ON releases (asked_at);

-- What looks like misuse, for monitors. about is sealed.
CREATE TABLE alerts (
    id        TEXT PRIMARY KEY,
    rule      TEXT NOT NULL,
    who       TEXT NOT NULL,
    subject   TEXT NOT NULL,
    about     TEXT NOT NULL,
    first_at  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    times     BIGINT NOT NULL,
    state     TEXT NOT NULL,
    raised_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL,
    closed_by TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    version   BIGINT NOT NULL
);
CREATE INDEX alerts_state ON alerts (state, raised_at);
CREATE INDEX alerts_who ON alerts (who, rule, last_at);

-- Taking a person's web activity out of the record, asked by one and allowed
-- by another.
CREATE TABLE erasure_requests (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL,
    why      TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    approval TEXT NOT NULL,
    state    TEXT NOT NULL,
    rows_n   BIGINT NOT NULL,
    done_at  BIGINT NOT NULL
);
CREATE INDEX erasure_requests_person ON erasure_requests (person);

-- While one stands, a person's web activity is not erased. lifted_at 0: it
-- stands.
CREATE TABLE legal_holds (
    id        TEXT PRIMARY KEY,
    person    TEXT NOT NULL,
    why       TEXT NOT NULL,
    made_at   BIGINT NOT NULL,
    made_by   TEXT NOT NULL,
    lifted_at BIGINT NOT NULL,
    lifted_by TEXT NOT NULL
);
CREATE INDEX legal_holds_person ON legal_holds (person, lifted_at);
