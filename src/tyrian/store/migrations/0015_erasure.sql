-- People whom nobody of the account writes to, by whatever address of theirs, also one that is linked later.
CREATE TABLE suppressed_contacts (
    id         uuid NOT NULL,
    account_id integer NOT NULL,
    contact_id uuid NOT NULL,
    channel_id integer NOT NULL,           -- 0: every channel
    purpose    text NOT NULL,              -- empty: every purpose
    reason     text NOT NULL,
    until      timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (contact_id, channel_id, purpose)
);
CREATE INDEX suppressed_contacts_page ON suppressed_contacts (account_id, id);

-- What an opt-out became when its contact was erased: an entry that what the person does later may lift. consent: a later
-- opt-in, and a message of theirs for what is written in a session. writing: a message of theirs for everything, for it
-- was the network that said they had left. Null: nothing but its removal.
ALTER TABLE suppressions ADD COLUMN lifted_by text;

-- Contacts that were erased, so that a repeat is told from a mistake. Nothing of the person is in it.
CREATE TABLE erasures (
    contact_id uuid PRIMARY KEY,
    account_id integer NOT NULL,
    erased_at  timestamptz NOT NULL
);
