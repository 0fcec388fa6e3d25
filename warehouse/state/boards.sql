-- boards: one row a board that any event or snapshot names.
select entity_id as board_id, source, fields->>'title' as title, fields->>'url' as url,
       created_at, archived_at, deleted_at
from known where entity_type = 'board'
