-- Read model: for whom stock is kept, and how long; folded from the inventory streams.
-- A row goes when its units are sold or released, not when its time is over.
create table inventory_reservations (
    -- The inventory stream; by the SKU.
    inventory_id uuid        not null,
    order_id     uuid        not null,
    -- Units.
    quantity     bigint      not null,
    -- From then on the units are available again.
    expires_at   timestamptz not null,
    -- Of the last event about it.
    position     bigint      not null,

    constraint inventory_reservations_order primary key (inventory_id, order_id)
);

-- Finds the few whose time is over among the thousands of a SKU that sells well.
create index inventory_reservations_expiry on inventory_reservations (inventory_id, expires_at);
