-- What the log says of the things just touched. Same columns as _heard_all, and enough rows that deriving the
-- touched things from them gives what deriving them from the whole log would.
select event_offset, source, board_id, card_id, actor_id, action, entity_type, occurred_at, column_to, before, after,
       coalesce(entity_id, case entity_type when 'card' then card_id when 'board' then board_id end) as entity_id,
       row_number() over (order by occurred_at, event_offset) as turn
from events as e
where event_offset > $base
   or (source, 'card', card_id) in (select (source, entity_type, entity_id) from touched)
   or (source, entity_type, coalesce(entity_id, board_id)) in (select (source, entity_type, entity_id) from touched)
