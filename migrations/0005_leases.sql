-- Who works on what: a projection, a process manager, the deadlines, the relay.
-- Time is the database's; a node that was frozen past its lease is locked out by the epoch.
create table leases (
    name            text        not null,
    -- The last position worked on: the checkpoint.
    position        bigint      not null default 0,
    -- Grows whenever the lease passes on.
    epoch           bigint      not null default 1,
    owner           text        not null,
    expires_at      timestamptz not null,
    -- The version of the code whose results the checkpoint describes.
    version         int         not null default 1,
    -- Why the work stopped for good, until somebody looks.
    stopped_because text,

    constraint leases_name primary key (name)
) with (fillfactor = 50);  -- updated all the time: leave room on the page
