-- Who has blocked a sender or has not subscribed, as networks answered to sends: the last such answer for each address.
-- It counts until the person or the network says otherwise later, and for so long at most; nothing here is ever taken
-- back, what is told elsewhere is newer.
CREATE TABLE blocks (
    channel_id integer NOT NULL,
    person     text NOT NULL,              -- the address as people are known by on the channel: phone numbers without a plus
    reason     text NOT NULL,              -- blocked_by_user, not_subscribed
    message_id uuid NOT NULL,              -- the message that it was said to
    at         timestamptz NOT NULL,       -- when that send began
    PRIMARY KEY (channel_id, person)
);
CREATE INDEX blocks_age ON blocks (at);
