-- Read model: what must happen by when.  Only events add and remove rows.
create table deadlines (
    -- What is to be done; the names of domain::process::Deadline.
    kind        text        not null,
    stream_type text        not null,
    stream_id   uuid        not null,
    due_at      timestamptz not null,
    -- Of the event that set it.
    position    bigint      not null,

    constraint deadlines_kind_stream primary key (kind, stream_id)
);

create index deadlines_due on deadlines (due_at);
