-- How far state has heard the log gets a table of its own: state is derived while appends go on, and of two transactions
-- that write one row, DuckDB lets the first win and refuses the other.
create table derived (upto bigint not null);
insert into derived select derived from progress;
alter table progress drop column derived;
update progress set revision = revision + 1 where revision > 0;

comment on table derived is 'How far the tables of current state have heard the log, one row. For Daybreak itself.';
comment on column derived.upto is 'The last event_offset they have taken in. In a published file: progress.head.';
