-- Large payloads and states are compressed each time they are written. pglz takes about ten times as
-- long as lz4, which not every Postgres was built with. Rows that are there stay as they are.
do $$
declare
    large record;
begin
    if not exists (
        select from pg_settings
        where name = 'default_toast_compression' and 'lz4' = any (enumvals)
    ) then
        return;
    end if;
    for large in
        select attrelid::regclass as place, attname
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = current_schema()::regnamespace and relkind = 'r'
          and attname in ('payload', 'state')
    loop
        execute format('alter table %s alter column %I set compression lz4', large.place, large.attname);
    end loop;
end;
$$;
