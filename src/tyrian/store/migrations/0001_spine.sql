-- The spine: accounts, channels, messages with their attempts and history, and everything that is due.
--
-- Three kinds of tables. Wide rows that are written once or updated in place (messages, attempts, events) are
-- partitioned by day on the message's UUIDv7, so that retention drops whole partitions and a look-up by id meets one.
-- Rows that come and go (sends, deadlines, callbacks) are narrow and unpartitioned; their tables stay as small as the
-- work at hand. Configuration is small and plain.

-- Configuration -------------------------------------------------------------------------------------------------------

CREATE TABLE accounts (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL
);

-- A credential of one face. `hash` finds it; `secret` (encrypted) is kept only where the dialect needs it back (HMAC).
CREATE TABLE keys (
    id          uuid PRIMARY KEY,
    account_id  integer NOT NULL REFERENCES accounts,
    face        text NOT NULL,
    name        text NOT NULL,
    prefix      text NOT NULL,
    hash        bytea NOT NULL UNIQUE,
    secret      bytea,
    scopes      text[] NOT NULL,
    rate        double precision,
    created_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);
CREATE INDEX keys_account ON keys (account_id);

CREATE TABLE channels (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  integer NOT NULL REFERENCES accounts,
    name        text NOT NULL,
    kind        text NOT NULL,
    config      jsonb NOT NULL,
    secrets     bytea,
    rate        double precision,
    concurrency integer,
    uncertain   jsonb NOT NULL DEFAULT '{}',
    active      boolean NOT NULL DEFAULT true,
    removed     boolean NOT NULL DEFAULT false,
    inbound_url text,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX channels_name ON channels (account_id, name) WHERE NOT removed;

-- The rate limit of a channel, over all nodes: a bucket that refills with time. Locked by each claim that takes from it.
CREATE TABLE paces (
    channel_id  integer PRIMARY KEY,
    tokens      double precision NOT NULL,
    refilled_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Where callbacks go. Interned, so that a due callback is a narrow row and a sick endpoint is known by number.
CREATE TABLE endpoints (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  integer NOT NULL REFERENCES accounts,
    face        text NOT NULL,
    url         text NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (account_id, face, url)
);

-- The signing secret of an account's native callbacks, encrypted.
CREATE TABLE signing_secrets (
    account_id  integer NOT NULL REFERENCES accounts,
    face        text NOT NULL,
    secret      bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, face, created_at)
);

-- Messages ------------------------------------------------------------------------------------------------------------

-- Many messages under one plan. Recipients wait in `messages`; a feeder moves them into `sends` at the bulk's pace,
-- so that pausing, pacing and cancelling touch this one row and a bulk of a million leaves `sends` small.
CREATE TABLE bulks (
    id          uuid PRIMARY KEY,
    account_id  integer NOT NULL REFERENCES accounts,
    name        text,
    plan        bytea NOT NULL,
    state       text NOT NULL,             -- open (still taking recipients), running, paused, cancelled, finished
    sealed      boolean NOT NULL,          -- no more recipients will be added
    total       integer NOT NULL DEFAULT 0,
    released    integer NOT NULL DEFAULT 0,
    cursor      uuid,                      -- the last message released
    next_at     timestamptz,               -- when the feeder looks again; null: nothing to do
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX bulks_due ON bulks (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX bulks_account ON bulks (account_id, id);

CREATE TABLE messages (
    id          uuid NOT NULL,             -- UUIDv7: its time is the time of acceptance, and picks the partition
    account_id  integer NOT NULL,
    status      text NOT NULL,
    reason      text,
    step        smallint NOT NULL,
    updated_at  timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    bulk_id     uuid,
    endpoint_id integer,
    recipient   text NOT NULL,
    purpose     text NOT NULL,
    plan        bytea,                     -- null: the bulk's plan
    variables   bytea,
    PRIMARY KEY (account_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX messages_bulk ON messages (bulk_id, id) WHERE bulk_id IS NOT NULL;
CREATE INDEX messages_recipient ON messages (account_id, recipient, id);
CREATE TABLE messages_default PARTITION OF messages DEFAULT;

CREATE TABLE attempts (
    message_id   uuid NOT NULL,
    id           uuid NOT NULL,
    account_id   integer NOT NULL,
    step         smallint NOT NULL,
    channel_id   integer NOT NULL,
    status       text NOT NULL,
    reason       text,
    tries        smallint NOT NULL,
    started_at   timestamptz,
    sent_at      timestamptz,
    delivered_at timestamptz,
    seen_at      timestamptz,
    updated_at   timestamptz NOT NULL,
    recipient    text NOT NULL,
    provider_ref text,
    PRIMARY KEY (message_id, id)
) PARTITION BY RANGE (message_id);
CREATE INDEX attempts_ref ON attempts (channel_id, provider_ref) WHERE provider_ref IS NOT NULL;
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;

-- Not cached by connections: among events of one moment, the order of the ids is the order of the writing.
CREATE SEQUENCE event_ids;

-- History. Never updated, never deleted but by retention. `exchange` holds the bytes said to and by the outside.
CREATE TABLE events (
    message_id uuid NOT NULL,
    id         bigint NOT NULL DEFAULT nextval('event_ids'),
    at         timestamptz NOT NULL,
    type       text NOT NULL,
    reason     text,
    attempt_id uuid,
    detail     bytea,
    exchange   bytea,
    PRIMARY KEY (message_id, id)
) PARTITION BY RANGE (message_id);
CREATE TABLE events_default PARTITION OF events DEFAULT;

-- What is due ---------------------------------------------------------------------------------------------------------

-- An attempt to send. One row per message at most: the cascade walks one step at a time.
CREATE TABLE sends (
    message_id   uuid PRIMARY KEY,
    attempt_id   uuid NOT NULL,
    account_id   integer NOT NULL,
    channel_id   integer NOT NULL,
    priority     smallint NOT NULL,
    step         smallint NOT NULL,
    tries        smallint NOT NULL DEFAULT 0,
    uncertain    smallint NOT NULL DEFAULT 0,
    node         integer,
    due_at       timestamptz NOT NULL,
    valid_until  timestamptz NOT NULL,
    started_at   timestamptz,
    leased_until timestamptz,
    bulk_id      uuid,
    recipient    text NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX sends_ready ON sends (channel_id, priority, due_at, message_id) WHERE leased_until IS NULL;
CREATE INDEX sends_order ON sends (channel_id, recipient, priority, message_id);
CREATE INDEX sends_leased ON sends (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX sends_bulk ON sends (bulk_id) WHERE bulk_id IS NOT NULL;

-- The time by which an attempt that was sent must have been delivered.
CREATE TABLE deadlines (
    message_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    attempt_id uuid NOT NULL,
    due_at     timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX deadlines_due ON deadlines (due_at);

-- A report or inbound message to bring to a customer.
CREATE TABLE callbacks (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id   uuid NOT NULL,
    account_id   integer NOT NULL,
    endpoint_id  integer NOT NULL,
    tries        smallint NOT NULL DEFAULT 0,
    parked       boolean NOT NULL DEFAULT false,
    node         integer,
    due_at       timestamptz NOT NULL,
    leased_until timestamptz,
    created_at   timestamptz NOT NULL,
    last_reason  text,
    report       bytea NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
-- By endpoint, so that the waiting rows of a sick one are stepped over in one step, however many they are.
CREATE INDEX callbacks_first ON callbacks (endpoint_id, due_at, id)
    WHERE tries = 0 AND leased_until IS NULL AND NOT parked;
CREATE INDEX callbacks_again ON callbacks (endpoint_id, due_at, id)
    WHERE tries > 0 AND leased_until IS NULL AND NOT parked;
CREATE INDEX callbacks_leased ON callbacks (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX callbacks_order ON callbacks (message_id, id);
CREATE INDEX callbacks_account ON callbacks (account_id, id) WHERE tries > 0;

-- Receipts that came before the send's own answer was stored; matched again until they are too old.
CREATE TABLE parked_receipts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id integer NOT NULL,
    ref        text NOT NULL,
    body       bytea NOT NULL,
    tries      smallint NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX parked_receipts_due ON parked_receipts (due_at);
CREATE INDEX parked_receipts_ref ON parked_receipts (channel_id, ref);

-- What people send ----------------------------------------------------------------------------------------------------

CREATE TABLE inbound (
    id          uuid PRIMARY KEY,
    account_id  integer NOT NULL,
    channel_id  integer NOT NULL,
    sender      text NOT NULL,
    recipient   text NOT NULL,
    provider_id text NOT NULL,
    received_at timestamptz NOT NULL,
    content     bytea NOT NULL,
    extra       bytea,
    raw         text,
    UNIQUE (channel_id, provider_id)
);
CREATE INDEX inbound_account ON inbound (account_id, id);

-- Whether a person allows a sender to write: the last word of the network.
CREATE TABLE subscriptions (
    channel_id integer NOT NULL,
    person     text NOT NULL,
    subscribed boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (channel_id, person)
);

-- Requests that may be repeated ---------------------------------------------------------------------------------------

CREATE TABLE idempotency (
    account_id  integer NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    answer      bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Partitions ----------------------------------------------------------------------------------------------------------

-- The smallest UUIDv7 of a moment.
CREATE FUNCTION uuid_at(at timestamptz) RETURNS uuid IMMUTABLE STRICT LANGUAGE sql AS $$
    SELECT (overlay(overlay(lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20)
        PLACING '-' FROM 9 FOR 0) PLACING '-' FROM 14 FOR 0))::uuid
$$;

-- Makes the daily partitions from yesterday until `ahead` days after `today`. Rows that already fell into a default
-- partition keep it for that day. Safe to call from several nodes at once.
CREATE FUNCTION make_partitions(today date, ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    day date;
    parent text;
    child text;
    column_name text;
    low uuid;
    high uuid;
    taken boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tyrian.partitions'));
    FOR day IN SELECT generate_series(today - 1, today + ahead, interval '1 day')::date LOOP
        low := uuid_at(day::timestamp AT TIME ZONE 'UTC');
        high := uuid_at((day + 1)::timestamp AT TIME ZONE 'UTC');
        FOREACH parent IN ARRAY ARRAY['messages', 'attempts', 'events'] LOOP
            child := parent || '_' || to_char(day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            column_name := CASE parent WHEN 'messages' THEN 'id' ELSE 'message_id' END;
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE %I >= %L AND %I < %L)',
                parent || '_default', column_name, low, column_name, high) INTO taken;
            CONTINUE WHEN taken;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = %s)',
                child, parent, low, high, CASE parent WHEN 'events' THEN 100 ELSE 70 END);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- Drops the partitions of days before `keep_from`, those of events before `events_from`. Returns how many went.
CREATE FUNCTION drop_partitions(keep_from date, events_from date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    gone integer := 0;
    child text;
BEGIN
    FOR child IN
        SELECT c.relname FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relname IN ('messages', 'attempts', 'events')
          AND c.relname ~ '_[0-9]{8}$' 
          AND right(c.relname, 8) < to_char(CASE p.relname WHEN 'events' THEN GREATEST(keep_from, events_from)
                ELSE keep_from END, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I', child);
        gone := gone + 1;
    END LOOP;
    RETURN gone;
END
$$;
