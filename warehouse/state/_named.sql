-- Boards and people that events after $base name without saying anything of them: that they exist, and where.
select distinct source, entity_type, entity_id, board_id from (
    select source, 'board' as entity_type, board_id as entity_id, board_id from events where event_offset > $base
    union all
    select source, 'member', actor_id, board_id from events where event_offset > $base
    union all
    select source, 'member', entity_id, board_id from events where event_offset > $base and entity_type = 'member'
    union all
    select source, 'member', unnest((after->'member_ids')::varchar[]), board_id
    from events where event_offset > $base and action like 'card.%' and after like '%"member_ids"%'
)
where entity_id is not null
