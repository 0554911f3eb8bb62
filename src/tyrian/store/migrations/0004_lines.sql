-- Lines: only the head of each person's line may be claimed, so those behind it are kept out of the index of what is
-- ready. Where a few people have many messages waiting, a claim would otherwise pass all of these by, again and again.
--
-- `waits` is set by whoever meets a due row behind another (claims.PARK), and cleared here when that one leaves the line.
-- It only spares the search: a claim looks for an earlier row in any case, so a flag that is not set costs time, not
-- order. A flag must never stay set without an earlier row that is due, tried or leased. So it is set under a share lock
-- on such a row: the row's end either comes after and sees the flag, or holds the lock and the flag is not set.

ALTER TABLE sends ADD COLUMN waits boolean NOT NULL DEFAULT false;
ALTER TABLE sends ADD CONSTRAINT sends_waits CHECK (NOT waits OR (leased_until IS NULL AND due_at < 'infinity'));

DROP INDEX sends_ready;
CREATE INDEX sends_ready ON sends (channel_id, priority, due_at, message_id) WHERE leased_until IS NULL AND NOT waits;
CREATE INDEX sends_waiting ON sends (channel_id, recipient, priority, message_id) WHERE waits;

-- The planner's choice is kept for as long as a connection lives, and must not be made for a table that is empty then.
-- `FOR UPDATE` before `LIMIT`: one that is being taken away by somebody else is passed over for the one behind it.
CREATE FUNCTION sends_left() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
BEGIN
    UPDATE sends s SET waits = false FROM (
        SELECT n.message_id FROM gone g CROSS JOIN LATERAL (
            SELECT f.message_id FROM sends f
            WHERE f.waits AND f.channel_id = g.channel_id AND f.recipient = g.recipient AND f.priority = g.priority
              AND f.message_id > g.message_id
            ORDER BY f.message_id LIMIT 1 FOR UPDATE) n) n
    WHERE s.message_id = n.message_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER sends_left AFTER DELETE ON sends
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION sends_left();

CREATE FUNCTION sends_moved() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
BEGIN
    UPDATE sends s SET waits = false FROM (
        SELECT f.message_id FROM sends f
        WHERE f.waits AND f.channel_id = OLD.channel_id AND f.recipient = OLD.recipient AND f.priority = OLD.priority
          AND f.message_id > OLD.message_id
        ORDER BY f.message_id LIMIT 1 FOR UPDATE) n
    WHERE s.message_id = n.message_id;
    RETURN NULL;
END
$$;
-- To another channel with the next step, or put off before it was ever tried.
CREATE TRIGGER sends_moved AFTER UPDATE ON sends FOR EACH ROW
    WHEN (OLD.channel_id <> NEW.channel_id OR OLD.recipient <> NEW.recipient OR OLD.priority <> NEW.priority
        OR (NEW.due_at > OLD.due_at AND NEW.tries = 0 AND NEW.leased_until IS NULL))
    EXECUTE FUNCTION sends_moved();
