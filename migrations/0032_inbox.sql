-- What providers tell us, kept before it is answered and processed after. The same event told twice
-- is one row.
create table inbox (
    provider     text        not null,
    event_id     text        not null,
    body         bytea       not null,
    received_at  timestamptz not null default clock_timestamp(),
    -- The earliest time for the next attempt; a worker that takes the row moves it ahead.
    due_at       timestamptz not null default clock_timestamp(),
    attempts     int         not null default 0,
    processed_at timestamptz,
    -- Why the last attempt came to nothing.
    problem      text,

    constraint inbox_event primary key (provider, event_id)
);

create index inbox_waiting on inbox (due_at) where processed_at is null;
