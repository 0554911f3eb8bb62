-- Tracked links: where a button leads, and how often it was followed. Kept and dropped with the message's day.

ALTER TABLE channels ADD COLUMN track_links boolean NOT NULL DEFAULT false;

CREATE TABLE links (
    message_id uuid NOT NULL,
    attempt_id uuid NOT NULL,
    place      smallint NOT NULL,          -- of the button in its content
    account_id integer NOT NULL,
    channel_id integer NOT NULL,
    step       smallint NOT NULL,
    code       text NOT NULL,
    url        text NOT NULL,
    button_id  text,
    clicks     integer NOT NULL DEFAULT 0,
    first_at   timestamptz,
    last_at    timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, attempt_id, place)
) PARTITION BY RANGE (message_id);
CREATE TABLE links_default PARTITION OF links DEFAULT;

-- As before, and for links as well.
CREATE OR REPLACE FUNCTION make_partitions(today date, ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    day date;
    parent text;
    child text;
    column_name text;
    low uuid;
    high uuid;
    taken boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('tyrian.partitions'));
    FOR day IN SELECT generate_series(today - 1, today + ahead, interval '1 day')::date LOOP
        low := uuid_at(day::timestamp AT TIME ZONE 'UTC');
        high := uuid_at((day + 1)::timestamp AT TIME ZONE 'UTC');
        FOREACH parent IN ARRAY ARRAY['messages', 'attempts', 'events', 'links'] LOOP
            child := parent || '_' || to_char(day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            column_name := CASE parent WHEN 'messages' THEN 'id' ELSE 'message_id' END;
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE %I >= %L AND %I < %L)',
                parent || '_default', column_name, low, column_name, high) INTO taken;
            CONTINUE WHEN taken;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = %s)',
                child, parent, low, high, CASE parent WHEN 'events' THEN 100 ELSE 70 END);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

CREATE OR REPLACE FUNCTION drop_partitions(keep_from date, events_from date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    gone integer := 0;
    child text;
BEGIN
    FOR child IN
        SELECT c.relname FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relname IN ('messages', 'attempts', 'events', 'links')
          AND c.relname ~ '_[0-9]{8}$'
          AND right(c.relname, 8) < to_char(CASE p.relname WHEN 'events' THEN GREATEST(keep_from, events_from)
                ELSE keep_from END, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I', child);
        gone := gone + 1;
    END LOOP;
    RETURN gone;
END
$$;
