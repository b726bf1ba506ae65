-- +goose Up
-- What somebody is to be told by mail: no detail stands in it.
CREATE TABLE notices (
  id        TEXT PRIMARY KEY,
  about     TEXT NOT NULL,
  people    TEXT NOT NULL,
  posts     TEXT NOT NULL,
  leave_out TEXT NOT NULL,
  what      TEXT NOT NULL,
  link      TEXT NOT NULL,
  risk      BIGINT NOT NULL,
  made_at   BIGINT NOT NULL,
  after_at  BIGINT NOT NULL,
  closed_at BIGINT NOT NULL
);
CREATE INDEX notices_open ON notices (closed_at, risk, made_at);

-- What became of telling one person of one thing; nobody is told twice.
CREATE TABLE notice_mails (
  id       TEXT PRIMARY KEY,
  about    TEXT NOT NULL,
  person   TEXT NOT NULL,
  state    TEXT NOT NULL,
  gathered BOOLEAN NOT NULL,
  tries    BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  at       BIGINT NOT NULL,
  next_at  BIGINT NOT NULL,
  why      TEXT NOT NULL,
  UNIQUE (about, person)
);
CREATE INDEX notice_mails_person ON notice_mails (person, gathered, at);
CREATE INDEX notice_mails_state ON notice_mails (state, at);

-- Who wants no gathered mails.
CREATE TABLE notice_wishes (
  person   TEXT PRIMARY KEY,
  gathered BOOLEAN NOT NULL,
  at       BIGINT NOT NULL
);

-- Who agreed to look at urgent things when, by the week; an agreement that was
-- ended stays, with its day.
CREATE TABLE notice_hours (
  id        TEXT PRIMARY KEY,
  person    TEXT NOT NULL,
  weekday   BIGINT NOT NULL,
  from_min  BIGINT NOT NULL,
  until_min BIGINT NOT NULL,
  agreed_at BIGINT NOT NULL,
  ended_at  BIGINT NOT NULL
);
CREATE INDEX notice_hours_person ON notice_hours (person, ended_at);
