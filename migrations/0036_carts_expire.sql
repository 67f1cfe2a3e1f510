-- Of a cart that is active, when it expires unless it is touched before: rounded up to a thousandth of the
-- time it lasts, so that the many touches of a busy cart leave the index alone. Null of every other cart.
alter table carts add column expires_at timestamptz;

create index carts_expiry on carts (expires_at) where expires_at is not null;

-- What was folded so far does not say how long a cart lasts, so it is folded anew.
truncate carts;
update leases set position = 0 where name = 'carts';
