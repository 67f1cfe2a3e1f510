-- The states of long streams, so that nobody has to fold them from the start.
-- A cache: any row may be deleted at any time.  A row counts for nothing unless the log has the very
-- event that it names.
create table snapshots (
    stream_id   uuid        not null,
    stream_type text        not null,
    -- Of the last event in the state, and where that event is in the log.
    version     int         not null,
    position    bigint      not null,
    -- A hash of what the program's states look like; a state of another schema is ignored.
    schema      uuid        not null,
    state       json        not null,
    taken_at    timestamptz not null default now(),

    constraint snapshots_stream primary key (stream_id)
);
