-- History is never rewritten.  Statement triggers cost an insert nothing.
create function refuse_to_rewrite_history() returns trigger
language plpgsql as $$
begin
    raise exception 'the log is append-only: % on % is refused', lower(tg_op), tg_table_name
        using errcode = 'restrict_violation';
end
$$;

create trigger events_are_final
    before update or delete or truncate on events
    for each statement execute function refuse_to_rewrite_history();
