-- Read model: the coupons, folded from the coupon streams.
create table coupons (
    id         uuid        not null,
    version    int         not null,
    position   bigint      not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    code       text collate "C" not null,
    state      json        not null,

    constraint coupons_id primary key (id)
) with (fillfactor = 50);  -- a popular coupon changes with every order

create index coupons_code on coupons (code);
