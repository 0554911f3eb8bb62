-- Closed conversations, the one that was closed first before the others: those that are past their time are found
-- without the others.
CREATE INDEX conversations_closed ON conversations (closed_at) WHERE state = 'closed';

-- What was told of a conversation goes when it is removed, or its person erased.
CREATE INDEX inbox_events_conversation ON inbox_events (conversation_id) WHERE conversation_id IS NOT NULL;

-- A person's runs that ended: the one that a message ended, and those that go when the person is erased. Written once,
-- when a run ends.
CREATE INDEX flow_runs_past ON flow_runs (channel_id, person) WHERE ended_at IS NOT NULL;
