-- +goose Up
-- again: how often it came anew within a day of its last end. back_at: when one that
-- was seen to and still goes on stands in the tray again. up_at: when it went
-- to the head and the deputy head, since nobody saw to it.
ALTER TABLE alarms ADD COLUMN again BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alarms ADD COLUMN back_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alarms ADD COLUMN up_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX alarms_same ON alarms (kind, subject, ended_at);
