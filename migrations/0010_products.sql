-- Read model: the catalogue, folded from the product streams.
-- The columns beside `state` only serve filters and orders; the state is the whole truth.
create table products (
    -- The stream; by the SKU, so a SKU is in here once.
    id         uuid        not null,
    -- Version, position and time of the stream's last event, and the time of its first.
    version    int         not null,
    position   bigint      not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- Compared byte by byte, so that a page ends in the same place under every locale.
    sku        text collate "C" not null,
    active     boolean     not null,
    -- SKU and name in lower case, as the program lowers them, for the same reason.
    search     text        not null,
    -- json, not jsonb: live rows and rebuilt rows are compared to the byte.
    state      json        not null,

    constraint products_id primary key (id)
) with (fillfactor = 80);  -- rows change: leave room on the page

-- Not unique: a read model records history, it does not judge it.
create index products_sku on products (sku);
