-- The conversations of an account that are not closed, the last changed first: however many it has closed, a list of
-- those that go on walks no others, and they can be counted.
CREATE INDEX conversations_open ON conversations (account_id, updated_at, id) WHERE state <> 'closed';
