-- Files that the gateway hosts: what is known of each, its bytes in pieces, and which were made from which.

CREATE TABLE media (
    id           uuid PRIMARY KEY,
    account_id   integer NOT NULL REFERENCES accounts,
    name         text NOT NULL,
    created_at   timestamptz NOT NULL,
    keep_until   timestamptz NOT NULL,
    -- Bytes; while a file is still arriving, what it was let in with.
    size         bigint NOT NULL,
    -- All of these are there once the file is whole. A file without a hash is visible to nobody.
    sha256       bytea,
    content_type text,
    width        integer,
    height       integer,
    duration     double precision,
    animated     boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX media_content ON media (account_id, sha256);
CREATE INDEX media_page ON media (account_id, id) INCLUDE (size);
CREATE INDEX media_expiry ON media (keep_until);
CREATE INDEX media_unfinished ON media (created_at) WHERE sha256 IS NULL;

CREATE TABLE media_chunks (
    media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    number   integer NOT NULL,
    bytes    bytea NOT NULL,
    PRIMARY KEY (media_id, number)
);
-- Pictures and videos are compressed already; and a piece is always read whole.
ALTER TABLE media_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- What was made of a file by a recipe, so that it is made once.
CREATE TABLE media_variants (
    account_id integer NOT NULL,
    sha256     bytea NOT NULL,
    recipe     text NOT NULL,
    media_id   uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    PRIMARY KEY (account_id, sha256, recipe)
);
CREATE INDEX media_variants_made ON media_variants (media_id);
