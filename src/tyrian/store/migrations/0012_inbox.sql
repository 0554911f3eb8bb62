-- Conversations with people: who takes part, what was said, who answers.

-- The number of each account's last event. Whoever changes anything of an account's inbox takes this row last and holds
-- it until the commit: so events are numbered in the order of their commits, and two nodes never pick an agent at once.
CREATE TABLE inbox_accounts (
    account_id   integer PRIMARY KEY REFERENCES accounts,
    events       bigint NOT NULL DEFAULT 0,
    handover_url text
);

CREATE TABLE inbox_queues (
    id         uuid PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts,
    name       text NOT NULL,
    pick       text NOT NULL,
    alert_time integer,
    timezone   text NOT NULL,
    hours      bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX inbox_queues_name ON inbox_queues (account_id, name);

-- idle_since: when they last finished a conversation or became available. assigned_at: when they last got one.
CREATE TABLE inbox_agents (
    id          uuid PRIMARY KEY,
    account_id  integer NOT NULL REFERENCES accounts,
    name        text NOT NULL,
    email       text,
    state       text NOT NULL,
    capacity    integer NOT NULL,
    queues      uuid[] NOT NULL,
    idle_since  timestamptz NOT NULL,
    assigned_at timestamptz,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX inbox_agents_name ON inbox_agents (account_id, name);

-- Prepared answers. queue_id: of one queue only; a name is used once in each.
CREATE TABLE inbox_answers (
    id         uuid PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts,
    queue_id   uuid,
    name       text NOT NULL,
    content    bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX inbox_answers_name ON inbox_answers (account_id, name, queue_id) NULLS NOT DISTINCT;

-- The channels whose messages become conversations. Times in seconds.
CREATE TABLE inbox_channels (
    channel_id     integer PRIMARY KEY REFERENCES channels,
    account_id     integer NOT NULL,
    queue_id       uuid,
    threading_time integer NOT NULL,
    idle_time      integer
);

-- legs and attributes are JSON. waiting: in a queue, and nobody is alerted. due_at: when it must be looked at, because an
-- agent has been alerted too long or nothing was said for too long. items: the number of the thread's last line.
CREATE TABLE conversations (
    id               uuid PRIMARY KEY,
    account_id       integer NOT NULL,
    channel_id       integer NOT NULL,
    person           text NOT NULL,
    address          text NOT NULL,
    name             text,
    state            text NOT NULL,
    subject          text,
    attributes       bytea NOT NULL,
    legs             bytea NOT NULL,
    opened_at        timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    closed_at        timestamptz,
    last_inbound_at  timestamptz,
    last_outbound_at timestamptz,
    unread           integer NOT NULL,
    queue_id         uuid,
    agent_id         uuid,
    waiting          boolean NOT NULL,
    waiting_since    timestamptz,
    due_at           timestamptz,
    items            integer NOT NULL DEFAULT 0,
    revision         integer NOT NULL
) WITH (fillfactor = 70);
-- One conversation with a person on a channel that is not closed, on however many nodes their messages come in.
CREATE UNIQUE INDEX conversations_current ON conversations (channel_id, person) WHERE state <> 'closed';
CREATE INDEX conversations_person ON conversations (channel_id, person, id);
CREATE INDEX conversations_account ON conversations (account_id, updated_at, id);
CREATE INDEX conversations_agent ON conversations (agent_id, updated_at, id) WHERE agent_id IS NOT NULL;
CREATE INDEX conversations_queue ON conversations (queue_id, updated_at, id) WHERE queue_id IS NOT NULL;
CREATE INDEX conversations_waiting ON conversations (queue_id, waiting_since, id) WHERE waiting;
CREATE INDEX conversations_due ON conversations (due_at) WHERE due_at IS NOT NULL;

-- The lines of all threads. A person's message is in one line only, however often it is handed in.
CREATE TABLE conversation_items (
    conversation_id uuid NOT NULL,
    number          integer NOT NULL,
    id              uuid NOT NULL,
    account_id      integer NOT NULL,
    kind            text NOT NULL,
    at              timestamptz NOT NULL,
    words           text,
    inbound_id      uuid,
    message_id      uuid,
    body            bytea NOT NULL,
    PRIMARY KEY (conversation_id, number)
);
CREATE UNIQUE INDEX conversation_items_id ON conversation_items (id);
CREATE UNIQUE INDEX conversation_items_inbound ON conversation_items (inbound_id) WHERE inbound_id IS NOT NULL;
CREATE UNIQUE INDEX conversation_items_message ON conversation_items (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX conversation_items_words ON conversation_items USING gin (to_tsvector('simple', words))
    WHERE words IS NOT NULL;

-- Answers on their way out: written before the message is handed in, gone when it is in its thread. What a node that died
-- leaves here is looked up by the message's idempotency key.
CREATE TABLE conversation_sends (
    item_id         uuid PRIMARY KEY,
    account_id      integer NOT NULL,
    conversation_id uuid NOT NULL,
    body            bytea NOT NULL,
    made_at         timestamptz NOT NULL
);
CREATE INDEX conversation_sends_age ON conversation_sends (made_at);

-- What was asked under which key, so that a repeat does nothing again. answer: the line or conversation that came of it.
CREATE TABLE inbox_keys (
    account_id  integer NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    answer      uuid NOT NULL,
    made_at     timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX inbox_keys_age ON inbox_keys (made_at);

-- What happened in each account's inbox, for those who watch and for those who come back.
CREATE TABLE inbox_events (
    account_id      integer NOT NULL,
    number          bigint NOT NULL,
    at              timestamptz NOT NULL,
    type            text NOT NULL,
    conversation_id uuid,
    data            bytea NOT NULL,
    PRIMARY KEY (account_id, number)
);
CREATE INDEX inbox_events_age ON inbox_events (at);
