-- People: one contact for one person, with every address that is known of them; what they agreed to, and who must not be
-- written to.

CREATE TABLE contacts (
    id          uuid PRIMARY KEY,          -- UUIDv7
    account_id  integer NOT NULL REFERENCES accounts,
    name        text,
    language    text,
    country     text,
    attributes  bytea NOT NULL,            -- a flat JSON object
    merged_into uuid,                      -- the contact that this one became part of; its id goes on leading there
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE INDEX contacts_page ON contacts (account_id, id) WHERE merged_into IS NULL;
CREATE INDEX contacts_merged ON contacts (merged_into) WHERE merged_into IS NOT NULL;

-- An address belongs to one person. Phone numbers are the same on every channel (scope 0) and are kept without a plus;
-- what a network calls a person on one channel is known there only (the channel's number).
CREATE TABLE contact_addresses (
    account_id integer NOT NULL,
    scope      integer NOT NULL,
    address    text NOT NULL,
    contact_id uuid NOT NULL REFERENCES contacts,
    source     text NOT NULL,              -- api, inbound, share_phone, send
    added_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, scope, address)
);
CREATE INDEX contact_addresses_contact ON contact_addresses (contact_id);
CREATE INDEX contact_addresses_find ON contact_addresses (account_id, address);

-- What people agreed to and took back. Never changed; the latest that covers a channel and a purpose counts. No
-- reference to contacts: whoever writes here holds the address, and a merge of contacts moves addresses first.
CREATE TABLE consents (
    id          uuid PRIMARY KEY,
    account_id  integer NOT NULL,
    contact_id  uuid NOT NULL,
    channel_id  integer NOT NULL,          -- 0: every channel
    purpose     text NOT NULL,             -- empty: every purpose
    granted     boolean NOT NULL,
    source      text NOT NULL,
    evidence    text,
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX consents_standing ON consents (contact_id, at DESC, id DESC);

-- Addresses that nobody of the account writes to, whoever they belong to.
CREATE TABLE suppressions (
    id         uuid PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts,
    address    text NOT NULL,              -- phone numbers without a plus
    channel_id integer NOT NULL,           -- 0: every channel
    purpose    text NOT NULL,              -- empty: every purpose
    reason     text NOT NULL,
    until      timestamptz,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX suppressions_address ON suppressions (account_id, address, channel_id, purpose);
CREATE INDEX suppressions_page ON suppressions (account_id, id);

-- What every node remembers of an account, so that one without rules costs nothing: its policy, and whether anybody
-- ever left or was suppressed.
CREATE TABLE consent_accounts (
    account_id  integer PRIMARY KEY REFERENCES accounts,
    policy      bytea,
    leaving     boolean NOT NULL DEFAULT false,
    suppressing boolean NOT NULL DEFAULT false,
    updated_at  timestamptz NOT NULL
);

-- Messages that frequency caps count, each once for a channel. Removed when no cap looks back so far.
CREATE TABLE capped_sends (
    account_id integer NOT NULL,
    scope      integer NOT NULL,
    address    text NOT NULL,
    at         timestamptz NOT NULL,
    message_id uuid NOT NULL,
    channel_id integer NOT NULL,
    PRIMARY KEY (account_id, scope, address, message_id, channel_id)
);
CREATE INDEX capped_sends_age ON capped_sends (at);
