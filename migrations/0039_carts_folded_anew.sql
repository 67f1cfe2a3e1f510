-- Migration 0036 emptied `carts` and reset a lease by a name that no projection has ('carts' instead of
-- 'projection:carts'). A shop that had carts lost their rows, and its projection stopped at the next event
-- of one of them. In such a shop the projection starts over here.
-- Rows of carts are never removed, so the shop is broken exactly if the row of the log's first cart is missing
-- although the projection has passed its first event. Healthy shops, those that were rebuilt since and new
-- ones are left alone.
do $$
begin
    if exists (
        select from leases
        join lateral (
            select stream_id, position from events where stream_type = 'cart' order by position limit 1
        ) as first on first.position <= leases.position
        where leases.name = 'projection:carts' and not exists (select from carts where id = first.stream_id)
    ) then
        truncate carts;
        -- A new epoch: a node that is projecting forgets the rows it has in memory.
        update leases set position = 0, epoch = epoch + 1, stopped_because = null
        where name = 'projection:carts';
    end if;
end;
$$;
