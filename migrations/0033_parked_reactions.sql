-- Events to which the shop should have reacted and could not: somebody has to look.
create table parked_reactions (
    position  bigint      not null,
    reaction  text        not null,
    reason    text        not null,
    parked_at timestamptz not null default clock_timestamp(),

    constraint parked_reactions_reaction primary key (position, reaction)
);
