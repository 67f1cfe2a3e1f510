-- The log's lock, held to the end of the transaction.  It makes positions contiguous and lets them
-- become visible in order.  Whoever takes it must read the head in a later statement: a snapshot
-- taken before the lock was granted misses what the holder before committed.
create function lock_log() returns void
language sql volatile as $$
    select pg_advisory_xact_lock(7161677);  -- any constant that nobody else uses
$$;
