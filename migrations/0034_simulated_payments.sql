-- The simulated payment provider's own books; a real provider has them elsewhere.
create schema simulator;

create table simulator.intents (
    id         text        not null,
    -- Our payment, as the metadata of the intent.
    payment_id uuid        not null,
    token      text        not null,
    amount     bigint      not null,
    currency   text        not null,
    status     text        not null,
    captured   bigint      not null default 0,
    created_at timestamptz not null default clock_timestamp(),

    constraint intents_id primary key (id)
);

-- What was answered under each idempotency key.
create table simulator.answers (
    idempotency_key text  not null,
    answer          json  not null,

    constraint answers_key primary key (idempotency_key)
);

-- Webhooks on their way to the shop.
create table simulator.webhooks (
    id       text        not null,
    body     text        not null,
    due_at   timestamptz not null default clock_timestamp(),
    attempts int         not null default 0,

    constraint webhooks_id primary key (id)
);

create index webhooks_due on simulator.webhooks (due_at);
