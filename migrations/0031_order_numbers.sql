-- Order numbers, in blocks of 50: a node takes a block at a time. Gaps are allowed.
create sequence order_numbers as bigint start 10001 increment 50 cache 1;
