-- checklist_items: one row an item of a checklist on a card, as it stands now.
select entity_id as item_id, source, board_id, card_id, fields->>'checklist' as checklist, fields->>'text' as text,
       try_cast(fields->>'done' as boolean) as done, try_cast(fields->>'position' as double) as position, deleted_at, first_offset
from known where entity_type = 'checklist_item'
