-- Read model: the notifications, folded from their streams.
create table notifications (
    id          uuid        not null,
    version     int         not null,
    position    bigint      not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    -- The names of domain::notification::Template.
    template    text        not null,
    -- The names of domain::notification::NotificationStatus.
    status      text        not null,
    -- Neither guests nor staff have one.
    customer_id uuid,
    -- What it is about; nothing for alerts to staff.
    order_id    uuid,
    state       json        not null,

    constraint notifications_id primary key (id)
) with (fillfactor = 80);

create index notifications_created on notifications (created_at, id);
create index notifications_customer on notifications (customer_id, created_at, id)
    where customer_id is not null;
create index notifications_order on notifications (order_id) where order_id is not null;
-- Almost all are sent sooner or later; those that are not are looked for.
create index notifications_unsent on notifications (status, created_at, id) where status <> 'sent';
