-- The things whose state may differ now: what events after $base are about, what they name for the first time, and what a
-- newer snapshot tells differently. That somebody known acts on a known board changes neither.
select source, entity_type, entity_id from named
anti join (
    select source, 'board' as entity_type, board_id as entity_id from boards where $base > 0
    union all
    select source, 'member', member_id from members where $base > 0
) using (source, entity_type, entity_id)
union
select source, 'card', card_id from events where event_offset > $base and card_id is not null
union
select source, entity_type, entity_id from (
    select source, entity_type, coalesce(entity_id, case entity_type when 'card' then card_id when 'board' then board_id end) as entity_id
    from events where event_offset > $base
) where entity_id is not null
union
select source, entity_type, entity_id from resaid
