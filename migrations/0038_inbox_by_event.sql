-- An event is looked for by its id: all of them have one provider, and a plan that was made while there
-- were few would go through all that it ever sent.
alter table inbox drop constraint inbox_event;
alter table inbox add constraint inbox_event primary key (event_id, provider);
