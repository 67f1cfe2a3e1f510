-- Read model: one line per change of what is on hand.  A SKU's quantities sum to its balance.
create table inventory_ledger (
    -- The event's.
    position     bigint      not null,
    -- The inventory stream; by the SKU.
    inventory_id uuid        not null,
    kind         text        not null,
    -- Units, signed: what came in is positive.
    quantity     bigint      not null,
    -- On hand after it.
    balance      bigint      not null,
    reason       text,
    reference    text,
    -- Of a sale.
    order_id     uuid,
    actor        text        not null,
    at           timestamptz not null,

    constraint inventory_ledger_position primary key (position),
    constraint inventory_ledger_kind
        check (kind in ('PURCHASE', 'RETURN', 'DAMAGE', 'ADJUSTMENT', 'SALE'))
);

create index inventory_ledger_item on inventory_ledger (inventory_id, position);
