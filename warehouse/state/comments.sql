-- comments: one row a comment, with what it says now; deleted ones stay, with the instant it happened.
select entity_id as comment_id, source, board_id, card_id,
       coalesce(created_by, fields->>'member_id') as member_id, fields->>'parent_id' as parent_id,
       fields->>'content' as content, created_at, updated_at, deleted_at, first_offset
from known where entity_type = 'comment'
