-- The position of the first event that was recorded at or after a moment; past the end of the log
-- when there is none.  Positions have no gap and time runs along with them, so halving finds it in
-- some twenty steps, and no index on time has to be kept.
create function first_position_since(moment timestamptz) returns bigint language plpgsql stable as $$
declare
    -- Everything before `low` is earlier; nothing from `high` on is.
    low bigint := 1;
    high bigint := (select coalesce(max(position), 0) + 1 from events);
    middle bigint;
begin
    while low < high loop
        middle := (low + high) / 2;
        if (select recorded_at from events where position = middle) < moment then
            low := middle + 1;
        else
            high := middle;
        end if;
    end loop;
    return low;
end
$$;
