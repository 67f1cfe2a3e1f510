-- The log: every fact the shop ever learned, in the order in which it was committed.
-- Rows are only ever inserted, and only by append_events (0004).
create table events (
    -- Contiguous from 1, in commit order.  An event's identity.
    position       bigint      not null,
    stream_type    text        not null,
    stream_id      uuid        not null,
    -- The event's place in its stream, from 1.
    version        int         not null,
    -- A stable name such as 'order.placed'.
    event_type     text        not null,
    schema_version smallint    not null,
    -- json, not jsonb: the exact bytes are kept, so that they can be hashed.
    payload        json        not null,
    -- On the first event of each command only.  Together they are the record of idempotency.
    command_id     uuid,
    request_hash   bytea,
    metadata       json,
    -- The command at the root of it all, inherited by every reaction.
    correlation_id uuid        not null,
    -- The position of the event that a reaction answered.
    caused_by      bigint,
    -- customer:, guest:, staff:, key: or system:, and an id.
    actor          text        not null,
    -- Never runs backwards along the log.
    recorded_at    timestamptz not null,

    constraint events_position primary key (position),
    constraint events_stream_version unique (stream_id, version),
    constraint events_version_from_one check (version >= 1)
);

-- One command, one effect.  There is no fourth index: other searches belong to read models.
create unique index events_command on events (command_id) where command_id is not null;
