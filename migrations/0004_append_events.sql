-- Appends a batch of items, each all or nothing, and answers
--   one row for the batch (item 0): the positions it took and the time of its first event;
--   one row per refused item, numbered from 1 in the order given:
--     duplicate: first_position, last_position and request_hash of the command already stored;
--     conflict:  moved_stream, the stream that is no longer what it was when the item was decided.
-- All other items are accepted, side by side and in order, so the caller can count their positions.
--
-- The caller sees to it that no item writes a stream whose durable head an item after it names.
--
-- Of a clean batch nothing is looked up that is known: what the caller knows of streams still holds if
-- nobody else has written, and the indexes refuse a known command and the second beginning of a stream.
-- Only a batch that is not clean is checked item by item.
create function append_events(
    seen             bigint,      -- the highest position the caller knows to be committed
    left_at          bigint,      -- where the caller itself left the log, or null
    -- One element per item.
    item_commands    uuid[],
    item_sizes       int[],       -- events of the item; 0 only checks
    -- One element per stream that an item was decided on, in item order.
    base_items       int[],
    base_streams     uuid[],
    base_positions   bigint[],    -- of the stream's last event; 0: no such stream; null: see base_pending
    base_pending     int[],       -- the item of this batch that was the stream's last writer, or null
    base_trusted     boolean[],   -- it was so when the caller left the log, or the insert would fail
    -- One element per event, in item order.
    event_items      int[],
    stream_types     text[],
    stream_ids       uuid[],
    versions         int[],
    event_types      text[],
    schema_versions  smallint[],
    payloads         text[],
    command_ids      uuid[],      -- these three on the first event of each item, else null
    request_hashes   bytea[],
    metadata         text[],
    correlation_ids  uuid[],
    caused_by        bigint[],
    actors           text[]
)
returns table (
    item           int,
    first_position bigint,
    last_position  bigint,
    recorded_at    timestamptz,
    request_hash   bytea,
    moved_stream   uuid
)
language plpgsql volatile
-- A plan made while the table was small must still be right when it is large: index look-ups only.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set enable_sort = off
set jit = off
as $$
#variable_conflict use_variable
declare
    head       bigint := 0;
    opened     timestamptz;         -- the time of the batch's first event
    dropped    int[];               -- per item: refused events before it, or -1 when it is refused itself
    refused    int := 0;            -- events refused so far
    alone      boolean;             -- nobody has written since the caller left the log
    doubtful   boolean;             -- not all items are known to be clean
    command    record;
    base       record;
begin
    perform lock_log();

    select e.position, e.recorded_at + interval '1 microsecond' into head, opened
    from events e order by e.position desc limit 1;
    head := coalesce(head, 0);
    opened := greatest(clock_timestamp(), opened);
    if head < seen then
        raise exception 'the log ends at %, but % was committed', head, seen
            using errcode = 'CT001', detail = head::text;
    end if;

    dropped := array_fill(0, array[cardinality(item_commands)]);

    -- What only checks has no insert that a known command could fail.
    alone := coalesce(head = left_at, false);
    doubtful := exists (
        select from unnest(item_commands, item_sizes) as c (id, size)
        cross join lateral (select from events e where e.command_id = c.id limit 1) as known
        where c.size = 0
    ) or exists (
        select from (
            select distinct b.stream_id, b.position
            from unnest(base_streams, base_positions, base_trusted) as b (stream_id, position, trusted)
            where b.position is not null and not (b.trusted and alone)
        ) as b
        left join lateral (
            select e.position from events e where e.stream_id = b.stream_id order by e.version desc limit 1
        ) as h on true
        where coalesce(h.position, 0) <> b.position
    );

    loop
        if doubtful then
            -- A known command is a duplicate, whatever became of its streams.  It reaches up to the
            -- next command.
            for command in
                select c.item, known.position, known.request_hash, next.position - 1 as until
                from unnest(item_commands) with ordinality as c (id, item)
                cross join lateral (
                    select e.position, e.request_hash from events e where e.command_id = c.id limit 1
                ) as known
                left join lateral (
                    select e.position from events e
                    where e.position > known.position and e.command_id is not null
                    order by e.position limit 1
                ) as next on true
            loop
                dropped[command.item] := -1;
                item := command.item;
                first_position := command.position;
                last_position := coalesce(command.until, head);
                request_hash := command.request_hash;
                return next;
            end loop;
            first_position := null;
            last_position := null;
            request_hash := null;

            -- An item falls with the stream that moved, or with the item that it was decided on.
            for base in
                select b.item, b.stream_id, b.pending, coalesce(h.position, 0) <> b.position as moved
                from unnest(base_items, base_streams, base_positions, base_pending) with ordinality
                    as b (item, stream_id, position, pending, n)
                left join lateral (
                    select e.position from events e where e.stream_id = b.stream_id
                    order by e.version desc limit 1
                ) as h on b.pending is null
                order by b.n
            loop
                continue when dropped[base.item] < 0;
                if base.pending is null then
                    continue when not base.moved;
                else
                    continue when dropped[base.pending] >= 0;
                end if;
                dropped[base.item] := -1;
                item := base.item;
                moved_stream := base.stream_id;
                return next;
            end loop;
            moved_stream := null;

            for i in 1 .. cardinality(item_sizes) loop
                if dropped[i] < 0 then
                    refused := refused + item_sizes[i];
                else
                    dropped[i] := refused;
                end if;
            end loop;
        end if;

        begin
            insert into events (
                position, stream_type, stream_id, version, event_type, schema_version, payload,
                command_id, request_hash, metadata, correlation_id, caused_by, actor, recorded_at
            )
            select head + e.n - dropped[e.item], e.stream_type, e.stream_id, e.version, e.event_type,
                   e.schema_version, e.payload::json, e.command_id, e.request_hash, e.metadata::json,
                   e.correlation_id, e.caused_by, e.actor,
                   opened + (e.n - dropped[e.item] - 1) * interval '1 microsecond'
            from unnest(
                event_items, stream_types, stream_ids, versions, event_types, schema_versions, payloads,
                command_ids, request_hashes, metadata, correlation_ids, caused_by, actors
            ) with ordinality as e (
                item, stream_type, stream_id, version, event_type, schema_version, payload,
                command_id, request_hash, metadata, correlation_id, caused_by, actor, n
            )
            where dropped[e.item] >= 0;
            exit;
        exception when unique_violation then
            -- A known command, or a stream that is not new after all.  Anything else is an error.
            if doubtful then
                raise;
            end if;
            doubtful := true;
        end;
    end loop;

    item := 0;
    first_position := head + 1;
    last_position := head + cardinality(event_items) - refused;
    recorded_at := opened;
    return next;
end
$$;
