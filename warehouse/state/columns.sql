-- columns: one row a column; archived and deleted ones stay, with the instant it happened.
select entity_id as column_id, source, board_id, fields->>'title' as title,
       try_cast(fields->>'position' as double) as position,
       try_cast(fields->>'is_done' as boolean) as is_done, archived_at, deleted_at, first_offset
from known where entity_type = 'column'
