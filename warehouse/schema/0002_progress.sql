-- How far things are: `revision` grows by one with every transaction that changed something (so the writer knows whether
-- what is published is old), `head` is the last offset given, `derived` the last one that state has taken in.
create table progress (revision bigint not null, head bigint not null, derived bigint not null);
insert into progress select revision, coalesce(max(event_offset), 0), coalesce(max(event_offset), 0)
from revisions left join events on true group by revision;
drop table revisions;

-- Things that a newer snapshot tells differently and state has not taken in yet.
create table resaid (source varchar not null, entity_type varchar not null, entity_id varchar not null);
