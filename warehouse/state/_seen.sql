-- What the newest snapshots say of the things touched. Every word of theirs ranks before any of the log; among them the newest wins.
select *, (-1e36)::hugeint + row_number() over (order by taken_at, board_id, entity_type, entity_id) as rank
from snapshots semi join touched using (source, entity_type, entity_id)
