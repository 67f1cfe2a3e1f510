-- Moves a checkpoint, in the transaction that writes what the work came to or even in the same
-- statement.  When somebody else took the lease over or moved it, it fails, and all of it with it.
create function advance_lease(
    lease         text,
    held_epoch    bigint,
    from_position bigint,
    to_position   bigint
) returns void language plpgsql as $$
begin
    update leases set position = to_position
    where name = lease and epoch = held_epoch and position = from_position;
    if not found then
        raise exception 'the lease ''%'' is lost', lease using errcode = 'CL001';
    end if;
end
$$;
