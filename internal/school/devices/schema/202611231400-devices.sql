-- +goose Up
-- One row: the filter that the school had before.
CREATE TABLE filter_beside (
    one BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    proxy TEXT NOT NULL,
    dns TEXT NOT NULL,
    certificate TEXT NOT NULL,
    tested_at BIGINT NOT NULL,
    reached TEXT NOT NULL,
    version BIGINT NOT NULL
);
INSERT INTO filter_beside (one, kind, provider, proxy, dns, certificate, tested_at, reached, version) VALUES (1, '', '', '', '', '', 0, '', 1);

-- One row: where devices reach the filter.
CREATE TABLE filter_doors (
    one BIGINT PRIMARY KEY,
    address TEXT NOT NULL,
    proxy BOOLEAN NOT NULL,
    dns BOOLEAN NOT NULL,
    captive BOOLEAN NOT NULL,
    dot TEXT NOT NULL,
    ssid TEXT NOT NULL,
    version BIGINT NOT NULL
);
INSERT INTO filter_doors (one, address, proxy, dns, captive, dot, ssid, version) VALUES (1, '', FALSE, FALSE, FALSE, '', '', 1);

-- Groups for which the filter decides and counts, and closes nothing.
CREATE TABLE try_outs (
    id TEXT PRIMARY KEY,
    people TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    begun_by TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    ended_by TEXT NOT NULL
);

-- Times at which Belisha was out of the path.
CREATE TABLE ways_out (
    id TEXT PRIMARY KEY,
    from_at BIGINT NOT NULL,
    taken_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    told TEXT NOT NULL,
    back_at BIGINT NOT NULL,
    back_by TEXT NOT NULL
);

-- Somebody's word that no way to the internet goes round the filter.
CREATE TABLE path_words (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    words TEXT NOT NULL,
    given_on BIGINT NOT NULL,
    review_on BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    written_by TEXT NOT NULL
);

-- What was read of the other filter's log: counts, no names.
CREATE TABLE other_logs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    allowed BIGINT NOT NULL,
    blocked BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    taken_by TEXT NOT NULL
);
