-- A person's message that somebody here reacts to (a flow, the inbox): written with the message, gone when it was
-- reacted to. The node that stored it reacts at once; another one does where that node died.
CREATE TABLE turns (
    inbound_id   uuid PRIMARY KEY,
    account_id   integer NOT NULL,
    channel_id   integer NOT NULL,
    notes        bytea NOT NULL,
    tries        smallint NOT NULL DEFAULT 0,
    node         integer NOT NULL,
    due_at       timestamptz NOT NULL,
    leased_until timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX turns_due ON turns (due_at);
