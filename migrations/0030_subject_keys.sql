-- The keys under which personal data is sealed, apart from the log. Destroying a key (setting it to
-- null) forgets the person and leaves every event as it is.
create table subject_keys (
    subject    uuid        not null,
    key        bytea,
    created_at timestamptz not null default clock_timestamp(),

    constraint subject_keys_subject primary key (subject),
    constraint subject_keys_length check (octet_length(key) = 32)
);
