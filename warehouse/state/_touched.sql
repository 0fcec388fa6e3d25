-- The things whose state may differ now: what events after $base are about or name, and what a newer snapshot tells differently.
select source, entity_type, entity_id from named
union
select source, 'card', card_id from events where event_offset > $base and card_id is not null
union
select source, entity_type, entity_id from events where event_offset > $base and entity_id is not null
union
select source, entity_type, entity_id from resaid
