-- What is known of each thing: its fields, where it is, when it was made, archived, deleted. The rule of all state:
-- each field is what the log said of it last, by (occurred_at, event_offset); where the log never said it, what the
-- newest snapshot says. JSON null is a word too: "empty". A thing the snapshot alone knows exists all the same.
with words as (
    -- What events say in so many fields ...
    select source, entity_type, entity_id, said.key as field, coalesce(said.value, 'null') as value,
           occurred_at as said_at, turn * 2 as rank
    from (select *, unnest(map_entries(after::map(varchar, json))) as said from heard where after <> '{}')
    union all
    -- ... what they say by what they are ...
    select source, entity_type, entity_id, implied.field, implied.value, occurred_at, turn * 2 + 1
    from heard
    join (values ('archived', 'archived', 'true'::json), ('unarchived', 'archived', 'false'),
                 ('deleted', 'deleted', 'true'), ('restored', 'deleted', 'false'),
                 ('checked', 'done', 'true'), ('unchecked', 'done', 'false')) as implied (verb, field, value)
      on split_part(action, '.', 2) = implied.verb
    union all
    select source, 'card', card_id, 'column_id', to_json(column_to), occurred_at, turn * 2 + 1
    from heard where entity_type = 'card' and column_to is not null
    union all
    -- ... and what snapshots say: always earlier than the log. Of several boards' snapshots the newest.
    select source, entity_type, entity_id, said.key, coalesce(said.value, 'null'),
           coalesce(try_cast(fields->>(said.key || '_at') as timestamptz), taken_at),
           -1e15::bigint + rank
    from (
        select *, unnest(map_entries(fields::map(varchar, json))) as said,
               row_number() over (order by taken_at, board_id, entity_type, entity_id) as rank
        from seen
    )
),
last_words as (
    select source, entity_type, entity_id, field, arg_max(value, rank) as value, arg_max(said_at, rank) as said_at
    from words group by all
),
told as (
    select source, entity_type, entity_id, json_group_object(field, value) as fields,
           -- The instant it was said; of a snapshot that only tells the instant, that.
           any_value(case field when 'archived' then said_at else try_cast(value->>'$' as timestamptz) end)
               filter (field = 'archived' and value = 'true' or field = 'archived_at' and not says_archived) as archived_at,
           any_value(case field when 'deleted' then said_at else try_cast(value->>'$' as timestamptz) end)
               filter (field = 'deleted' and value = 'true' or field = 'deleted_at' and not says_deleted) as deleted_at
    from (
        select *, bool_or(field = 'archived') over thing as says_archived, bool_or(field = 'deleted') over thing as says_deleted
        from last_words window thing as (partition by source, entity_type, entity_id)
    )
    group by all
),
mentions as (
    select source, entity_type, entity_id, board_id, card_id, occurred_at, event_offset, turn from heard
    union all
    select source, 'card', card_id, board_id, card_id, occurred_at, event_offset, turn
    from heard where entity_type <> 'card'
    union all
    select source, 'board', board_id, board_id, null, occurred_at, event_offset, turn
    from heard where entity_type <> 'board'
    union all
    select source, 'member', actor_id, board_id, null, occurred_at, event_offset, turn from heard
    union all
    select source, 'member', unnest((after->'member_ids')::varchar[]), board_id, null, occurred_at, event_offset, turn
    from heard where action like 'card.%'
    union all
    select source, entity_type, entity_id, board_id, fields->>'card_id', null, null,
           -1e15::bigint + row_number() over (order by taken_at, board_id, entity_type, entity_id)
    from seen
),
places as (
    select source, entity_type, entity_id, arg_max(board_id, turn) as board_id, arg_max(card_id, turn) as card_id,
           max(occurred_at) as last_event_at, max(event_offset) as last_offset
    from mentions where entity_id is not null group by all
),
makings as (
    select source, entity_type, entity_id,
           min(occurred_at) filter (action like '%.created') as created_at,
           arg_min(actor_id, turn) filter (action like '%.created') as created_by,
           max(occurred_at) filter (action like '%.updated') as updated_at
    from heard group by all
)
select places.*, coalesce(told.fields, '{}') as fields, told.archived_at, told.deleted_at,
       coalesce(makings.created_at, try_cast(told.fields->>'created_at' as timestamptz)) as created_at,
       coalesce(makings.created_by, told.fields->>'created_by') as created_by,
       coalesce(makings.updated_at, try_cast(told.fields->>'updated_at' as timestamptz)) as updated_at
from places
left join told using (source, entity_type, entity_id)
left join makings using (source, entity_type, entity_id)
