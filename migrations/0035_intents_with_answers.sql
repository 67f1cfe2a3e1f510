-- The simulated provider's intents hold the answers given about them, so that a request is one look
-- and one write.
alter table simulator.intents rename to intents_before;

create table simulator.intents (
    -- Our payment, as the metadata of the intent.
    payment_id uuid not null,
    -- Of the last change; a change is refused when it is not the next one.
    revision   int  not null,
    intent     json not null,

    constraint intents_payment primary key (payment_id)
);

insert into simulator.intents (payment_id, revision, intent)
select payment_id, 1, json_build_object(
    'id', id, 'payment_id', payment_id, 'story', substr(token, 5),
    'amount', json_build_object('amount', amount, 'currency', currency),
    'status', status, 'captured', captured,
    -- The keys begin with the payment and a slash.
    'answers', coalesce((
        select json_object_agg(substr(idempotency_key, 38), answer) from simulator.answers
        where starts_with(idempotency_key, payment_id || '/')
    ), '{}'))
from simulator.intents_before;

drop table simulator.intents_before;
drop table simulator.answers;
