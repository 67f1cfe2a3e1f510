-- Read model: the envelope of every event, indexed for whoever asks who did what, when and why.
-- Payloads stay in the log.
create table audit (
    position       bigint      not null,
    stream_type    text        not null,
    stream_id      uuid        not null,
    version        int         not null,
    event_type     text        not null,
    actor          text        not null,
    -- On the first event of each command only, as in the log.
    command_id     uuid,
    correlation_id uuid        not null,
    caused_by      bigint,
    recorded_at    timestamptz not null,

    constraint audit_position primary key (position)
);

-- No index by stream or command: the log has both, and every query joins it for the payloads.
create index audit_event_type on audit (event_type, position);
create index audit_actor on audit (actor, position);
create index audit_correlation on audit (correlation_id, position);
-- Time runs along with the position, so this one finds where a time range begins and ends.
create index audit_recorded on audit (recorded_at, position);
