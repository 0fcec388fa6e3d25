-- Where the log begins to speak of each thing: what is derived again need not be looked for before that.
alter table cards add column first_offset bigint;
alter table columns add column first_offset bigint;
alter table comments add column first_offset bigint;
alter table checklist_items add column first_offset bigint;

create temp table first_told as
select source, entity_type, entity_id, min(event_offset) as first_offset from (
    select source, entity_type, coalesce(entity_id, card_id) as entity_id, event_offset from events
    where entity_type in ('card', 'column', 'comment', 'checklist_item')
    union all
    select source, 'card', card_id, event_offset from events where card_id is not null
) where entity_id is not null group by all;

update cards set first_offset = first_told.first_offset from first_told
where entity_type = 'card' and first_told.source = cards.source and entity_id = card_id;
update columns set first_offset = first_told.first_offset from first_told
where entity_type = 'column' and first_told.source = columns.source and entity_id = column_id;
update comments set first_offset = first_told.first_offset from first_told
where entity_type = 'comment' and first_told.source = comments.source and entity_id = comment_id;
update checklist_items set first_offset = first_told.first_offset from first_told
where entity_type = 'checklist_item' and first_told.source = checklist_items.source and entity_id = item_id;
drop table first_told;

update progress set revision = revision + 1 where revision > 0;

comment on column cards.first_offset is 'The first event about it, comments and checklists included (events.event_offset). Null: only a snapshot tells of it.';
comment on column columns.first_offset is 'The first event about it (events.event_offset). Null: only a snapshot tells of it.';
comment on column comments.first_offset is 'The first event about it (events.event_offset). Null: only a snapshot tells of it.';
comment on column checklist_items.first_offset is 'The first event about it (events.event_offset). Null: only a snapshot tells of it.';
