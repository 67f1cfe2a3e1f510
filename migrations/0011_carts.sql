-- Read model: the carts, guests' carts included, folded from the cart streams.
create table carts (
    id          uuid        not null,
    version     int         not null,
    position    bigint      not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    -- Null: a guest's.
    customer_id uuid,
    state       json        not null,

    constraint carts_id primary key (id)
) with (fillfactor = 70);  -- carts change more often than anything else

create index carts_customer on carts (customer_id, created_at) where customer_id is not null;
