-- The things whose state may differ now: what the new events are about, and what the new snapshot tells differently.
select distinct source, entity_type, entity_id from (
    select source, 'board' as entity_type, board_id as entity_id from events where event_offset > $base
    union all
    select source, 'card', card_id from events where event_offset > $base
    union all
    select source, entity_type, entity_id from events where event_offset > $base
    union all
    select source, 'member', actor_id from events where event_offset > $base
    union all
    select source, 'member', unnest((after->'member_ids')::varchar[])
    from events where event_offset > $base and action like 'card.%'
    union all
    select source, entity_type, entity_id from resaid
)
where entity_id is not null
