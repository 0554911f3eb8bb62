-- Flows: dialogues as decision trees, published to channels in versions. `version` is the one that new runs begin with.
CREATE TABLE flows (
    id           uuid PRIMARY KEY,
    account_id   integer NOT NULL REFERENCES accounts,
    name         text NOT NULL,
    active       boolean NOT NULL,
    version      integer NOT NULL,
    channels     integer[] NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (account_id, name)
);

-- Every version as it was published: the decoded flow, and the file that it came from, if it came from one.
CREATE TABLE flow_versions (
    flow_id      uuid NOT NULL REFERENCES flows ON DELETE CASCADE,
    version      integer NOT NULL,
    flow         bytea NOT NULL,
    source       text,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (flow_id, version)
);

-- One person on the way through a flow. At most one run of a person on a channel is open (`ended_at` is null).
--
-- `tick` counts the steps taken: a step is written only over the tick that it was taken from, so that none is taken
-- twice. `data` holds the run and the effects of the last step; these are carried out after the commit, and again by
-- whoever finds that they may not have been. `last_inbound` is the message that the last step answered. `due_at` is when
-- the run is to be looked at again: its wait is over, or its effects must be seen to.
CREATE TABLE flow_runs (
    id           uuid PRIMARY KEY,
    account_id   integer NOT NULL,
    flow_id      uuid NOT NULL,
    version      integer NOT NULL,
    channel_id   integer NOT NULL,
    person       text NOT NULL,
    sender       text NOT NULL,
    tick         integer NOT NULL,
    state        text NOT NULL,
    step         text NOT NULL,
    outcome      text,
    last_inbound uuid,
    data         bytea NOT NULL,
    due_at       timestamptz,
    started_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    ended_at     timestamptz
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX flow_runs_open ON flow_runs (channel_id, person) WHERE ended_at IS NULL;
CREATE INDEX flow_runs_due ON flow_runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX flow_runs_account ON flow_runs (account_id, id);
CREATE INDEX flow_runs_flow ON flow_runs (flow_id, version) WHERE ended_at IS NULL;
CREATE INDEX flow_runs_ended ON flow_runs (ended_at) WHERE ended_at IS NOT NULL;

-- The context of the deep link by which a person opened a chat, until they write.
CREATE TABLE flow_contexts (
    channel_id   integer NOT NULL,
    person       text NOT NULL,
    context      text NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (channel_id, person)
);
