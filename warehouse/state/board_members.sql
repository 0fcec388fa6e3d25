-- board_members: who has to do with a board: its members, whoever did something on it, whoever a card was given to.
-- Leaving a board does not undo that one was there, so rows are only ever added.
select distinct source, board_id, member_id from (
    select source, board_id, entity_id as member_id from seen where entity_type = 'member'
    union all
    select source, board_id, actor_id from heard
    union all
    select source, board_id, entity_id from heard where entity_type = 'member'
    union all
    select source, board_id, unnest((after->'member_ids')::varchar[]) from heard where action like 'card.%'
)
where member_id is not null
