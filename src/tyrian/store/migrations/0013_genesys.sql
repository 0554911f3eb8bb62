-- What called the webhooks of Viber channels that were set up through the Genesys Cloud API, and what it was answered.
-- Nothing of what was said is kept here. The newest of each channel stay.

CREATE TABLE webhook_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel_id integer NOT NULL,
    at         timestamptz NOT NULL,
    status     smallint NOT NULL,
    reason     text NOT NULL,
    remote     text,
    bytes      integer NOT NULL
);
CREATE INDEX webhook_log_channel ON webhook_log (channel_id, id DESC);
