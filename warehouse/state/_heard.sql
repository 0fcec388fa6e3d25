-- What the log says, and the turn at which it says it: the later by (occurred_at, event_offset) decides.
-- `from events` is narrowed to the offsets in `touching` when only some things are derived again.
select event_offset, source, board_id, actor_id, action, entity_type, occurred_at, column_to, before, after,
       coalesce(card_id, case entity_type when 'card' then entity_id end) as card_id,
       coalesce(entity_id, case entity_type when 'card' then card_id when 'board' then board_id end) as entity_id,
       row_number() over (order by occurred_at, event_offset) as turn
from events
