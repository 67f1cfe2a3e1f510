-- Read model: the payments, folded from the payment streams.
create table payments (
    id              uuid        not null,
    version         int         not null,
    position        bigint      not null,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    order_id        uuid        not null,
    -- Derived by domain::payment::Attempt::status.
    status          text        not null,
    -- A person has to look at it.
    needs_attention boolean     not null,
    state           json        not null,

    constraint payments_id primary key (id)
) with (fillfactor = 80);

create index payments_created on payments (created_at, id);
create index payments_status on payments (status, created_at, id);
create index payments_order on payments (order_id);
create index payments_needs_attention on payments (created_at, id) where needs_attention;
