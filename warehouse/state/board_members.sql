-- board_members: who has to do with a board: its members, whoever did something on it, whoever a card was given to.
-- Leaving a board does not undo that one was there, so rows are only ever added.
select source, board_id, entity_id as member_id from seen where entity_type = 'member'
union
select source, board_id, entity_id from named where entity_type = 'member'
