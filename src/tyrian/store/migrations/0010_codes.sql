-- Buttons with data: the network is given short codes, and what they stand for is kept here. One row for all the codes
-- of one keyboard; `name` is what they have in common.

CREATE TABLE codes (
    name       text COLLATE "C" PRIMARY KEY,
    account_id integer NOT NULL,
    channel_id integer NOT NULL,
    person     text NOT NULL,
    message_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    meanings   bytea NOT NULL              -- by the button's place, as JSON
);
CREATE INDEX codes_expiry ON codes (expires_at);

-- Keyboards that persist: shown again under later messages to the person, while the session lasts. `attempt_id` is the
-- send that put it there: one that failed put nothing.
CREATE TABLE keyboards (
    channel_id integer NOT NULL,
    person     text NOT NULL,
    message_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    keyboard   bytea NOT NULL,
    until      timestamptz NOT NULL,
    PRIMARY KEY (channel_id, person)
);
CREATE INDEX keyboards_until ON keyboards (until);

-- When a person was last told that a button is of no use any more.
CREATE TABLE stale_presses (
    channel_id  integer NOT NULL,
    person      text NOT NULL,
    inbound_id  uuid NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (channel_id, person)
);
CREATE INDEX stale_presses_age ON stale_presses (answered_at);

-- Files that people sent, on their way into the gateway's own keeping: narrow, for work at hand.
CREATE TABLE rehosting (
    inbound_id   uuid PRIMARY KEY,
    account_id   integer NOT NULL,
    tries        smallint NOT NULL DEFAULT 0,
    node         integer NOT NULL,
    due_at       timestamptz NOT NULL,
    leased_until timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX rehosting_due ON rehosting (due_at);

-- What became of them: a hosted file, or why there is none.
ALTER TABLE inbound ADD COLUMN media_id uuid, ADD COLUMN media_problem text;
