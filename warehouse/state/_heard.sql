-- What the log says, and its rank: the later by (occurred_at, event_offset) decides. One number, so that it compares fast:
-- microseconds in the upper bits, the offset in the lower forty.
select event_offset, source, board_id, actor_id, action, entity_type, occurred_at, column_to, before, after,
       coalesce(card_id, case entity_type when 'card' then entity_id end) as card_id,
       coalesce(entity_id, case entity_type when 'card' then card_id when 'board' then board_id end) as entity_id,
       epoch_us(occurred_at)::hugeint * 1_099_511_627_776 + event_offset as turn
from events semi join touching using (event_offset)
