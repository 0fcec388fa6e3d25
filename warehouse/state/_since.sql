-- From which offset on the log speaks of the things touched: of those without a row only after $base, of boards and people
-- perhaps from the beginning.
select coalesce(min(first_offset), $base + 1) from (
    select first_offset from cards
    semi join (select source, entity_id as card_id from all_touched where entity_type = 'card') using (source, card_id)
    union all
    select first_offset from columns
    semi join (select source, entity_id as column_id from all_touched where entity_type = 'column') using (source, column_id)
    union all
    select first_offset from comments
    semi join (select source, entity_id as comment_id from all_touched where entity_type = 'comment') using (source, comment_id)
    union all
    select first_offset from checklist_items
    semi join (select source, entity_id as item_id from all_touched where entity_type = 'checklist_item') using (source, item_id)
    union all
    select 0 from all_touched semi join (select source, board_id as entity_id from boards) using (source, entity_id)
    where entity_type = 'board'
    union all
    select 0 from all_touched semi join (select source, member_id as entity_id from members) using (source, entity_id)
    where entity_type = 'member'
)
