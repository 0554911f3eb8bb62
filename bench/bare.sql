-- What the calls with no gateway between write: the rows of a message's life, and no more than they need.
CREATE TABLE messages (
    id          uuid PRIMARY KEY,
    status      text NOT NULL,
    updated_at  timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    recipient   text NOT NULL,
    body        bytea NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE sends (message_id uuid PRIMARY KEY, due_at timestamptz NOT NULL, recipient text NOT NULL)
    WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE attempts (
    message_id   uuid PRIMARY KEY,
    ref          text NOT NULL,
    status       text NOT NULL,
    sent_at      timestamptz NOT NULL,
    delivered_at timestamptz,
    seen_at      timestamptz
) WITH (fillfactor = 70);
CREATE INDEX attempts_ref ON attempts (ref);
CREATE TABLE events (
    message_id uuid NOT NULL,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    type       text NOT NULL,
    exchange   bytea,
    PRIMARY KEY (message_id, id)
);
CREATE TABLE callbacks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message_id uuid NOT NULL, report bytea NOT NULL)
    WITH (autovacuum_vacuum_scale_factor = 0.02);
