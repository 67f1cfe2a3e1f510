-- Read model: the orders, folded from the order streams.
create table orders (
    id          uuid        not null,
    version     int         not null,
    position    bigint      not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    number      text collate "C" not null,
    -- The cart that became the order: by it a guest finds theirs.
    cart_id     uuid        not null,
    -- Null: a guest's.
    customer_id uuid,
    -- As customers know it; derived by domain::order::Details::status.
    status      text        not null,
    placed_at   timestamptz not null,
    -- What is charged, in minor units of the currency.
    total       bigint      not null,
    currency    text        not null,
    state       json        not null,

    constraint orders_id primary key (id)
) with (fillfactor = 80);

create index orders_placed on orders (placed_at, id);
create index orders_status on orders (status, placed_at, id);
create index orders_customer on orders (customer_id, placed_at, id) where customer_id is not null;
create index orders_number on orders (number);
create index orders_cart on orders (cart_id);
