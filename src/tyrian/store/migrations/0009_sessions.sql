-- Sessions: the time after a person's last message in which session content may go to them. One row for a person on a
-- channel; the counts are those of the session that is open, or was last.

CREATE TABLE sessions (
    channel_id      integer NOT NULL,
    person          text COLLATE "C" NOT NULL,
    account_id      integer NOT NULL,
    opened_at       timestamptz,
    last_inbound_at timestamptz,           -- NULL: asked to write, and has not yet
    expires_at      timestamptz,
    sent            integer NOT NULL DEFAULT 0,
    sent_limit      integer NOT NULL,
    unanswered      integer NOT NULL DEFAULT 0,
    counted         uuid,                  -- the attempt that was counted last
    asked_at        timestamptz,           -- the opt-in message went out, in the time since the last session
    PRIMARY KEY (channel_id, person)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX sessions_page ON sessions (account_id, channel_id, person);

-- Messages that wait for a person to write.
CREATE TABLE session_waits (
    message_id uuid PRIMARY KEY,
    channel_id integer NOT NULL,
    person     text COLLATE "C" NOT NULL
);
CREATE INDEX session_waits_person ON session_waits (channel_id, person, message_id);

-- How a channel treats session content; NULL: as its network does.
ALTER TABLE channels ADD COLUMN sessions text;
