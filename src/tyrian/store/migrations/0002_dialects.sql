-- What the vendors' dialects need: customers' own names for messages and bulks, the names under which a dialect knows a
-- channel, and the small documents that a face keeps for an account.

ALTER TABLE messages ADD COLUMN name text;
CREATE INDEX messages_name ON messages (account_id, name, id) WHERE name IS NOT NULL;
CREATE INDEX bulks_name ON bulks (account_id, name, id) WHERE name IS NOT NULL;

ALTER TABLE channels ADD COLUMN senders text[] NOT NULL DEFAULT '{}';

-- Callback configuration, subscriptions, templates and the like: few, small, read far more often than written.
CREATE TABLE documents (
    account_id integer NOT NULL REFERENCES accounts,
    face       text NOT NULL,
    kind       text NOT NULL,
    name       text NOT NULL,
    body       bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (account_id, face, kind, name)
);
CREATE INDEX documents_expiry ON documents (expires_at) WHERE expires_at IS NOT NULL;
