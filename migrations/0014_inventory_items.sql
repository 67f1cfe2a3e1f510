-- Read model: the figures of every SKU's stock, folded from the inventory streams.
-- The reservations have rows of their own (0018), so that a row stays small however well its SKU
-- sells.  What is available depends on the time of reading, so it is no column.
create table inventory_items (
    id         uuid        not null,
    version    int         not null,
    position   bigint      not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    sku        text collate "C" not null,
    -- Low stock has been reported and has not recovered.
    low        boolean     not null,
    state      json        not null,

    constraint inventory_items_id primary key (id)
) with (fillfactor = 50);  -- a popular SKU changes with every order

create index inventory_items_sku on inventory_items (sku);
create index inventory_items_low on inventory_items (sku) where low;
