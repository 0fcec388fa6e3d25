-- cards: one row a card, wherever its last event puts it; archived and deleted ones stay, with the instant it happened.
-- assignee_ids and labels are told as deltas (`after` adds, `before` removes): the last word on each pair decides,
-- a pair the log never named is as the snapshot shows it. last_offset is the last event about the card, comments too.
with assertions as (
    select source, card_id, 'member_ids' as field, unnest((after->'member_ids')::varchar[]) as thing,
           true as holds, turn * 2 + 1 as rank
    from heard where action like 'card.%'
    union all
    select source, card_id, 'member_ids', unnest((before->'member_ids')::varchar[]), false, turn * 2
    from heard where action like 'card.%'
    union all
    select source, card_id, 'labels', unnest((after->'labels')::varchar[]), true, turn * 2 + 1
    from heard where action like 'card.%'
    union all
    select source, card_id, 'labels', unnest((before->'labels')::varchar[]), false, turn * 2
    from heard where action like 'card.%'
    union all
    select source, entity_id, 'member_ids', unnest((fields->'member_ids')::varchar[]), true, -1
    from seen where entity_type = 'card'
    union all
    select source, entity_id, 'labels', unnest((fields->'labels')::varchar[]), true, -1
    from seen where entity_type = 'card'
),
pairs as (
    select source, card_id, field, thing, arg_max(holds, rank) as holds from assertions group by all
),
holdings as (
    select source, card_id as entity_id,
           list(thing order by thing) filter (field = 'member_ids' and holds) as assignee_ids,
           list(thing order by thing) filter (field = 'labels' and holds) as labels
    from pairs group by all
)
select entity_id as card_id, source, board_id, fields->>'column_id' as column_id, fields->>'title' as title,
       fields->>'description' as description, try_cast(fields->>'position' as double) as position,
       created_at, created_by, try_cast(fields->>'due_at' as timestamptz) as due_at,
       try_cast(fields->>'due_done' as boolean) as due_done, archived_at, deleted_at,
       coalesce(assignee_ids, []) as assignee_ids, coalesce(labels, []) as labels,
       fields->>'url' as url, fields->>'human_id' as human_id, last_event_at, last_offset, first_offset
from known left join holdings using (source, entity_id)
where entity_type = 'card'
