-- Read model: who did what, for which command; of every event what it is searched for by.
-- Everything else is in the log, which every query joins.
create table audit (
    position       bigint not null,
    stream_type    text   not null,
    event_type     text   not null,
    actor          text   not null,
    -- On the first event of each command only, as in the log.
    command_id     uuid,
    correlation_id uuid   not null,

    constraint audit_position primary key (position)
);

-- Every event has its entry in each index, so entries are kept small: a hash instead of the text.
-- Whoever looks one up compares the text too.
create index audit_event_type on audit (hashtextextended(event_type, 0), position);
create index audit_actor on audit (hashtextextended(actor, 0), position);
-- Where a command began it all, the log finds its first event by the command; these are the others.
create index audit_correlation on audit (correlation_id, position)
    where command_id is distinct from correlation_id;
-- No index by stream or command: the log has both.  None by time: see first_position_since (0019).
