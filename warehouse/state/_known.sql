-- What is known of each thing touched: its fields, where it is, when it was made, archived, deleted. The rule of all state:
-- each field is what the log said of it last, by (occurred_at, event_offset); where the log never said it, what the
-- newest snapshot says. JSON null is a word too: "empty". A thing the snapshot alone knows exists all the same.
-- A card's member_ids and labels are told as deltas and are not in here: cards.sql gathers them.
with about as (
    from heard semi join touched using (source, entity_type, entity_id)
),
words as (
    -- What events say in so many fields ...
    select source, entity_type, entity_id, said.key as field, coalesce(said.value, 'null') as value,
           occurred_at as said_at, turn * 2 as rank
    from (select *, unnest(map_entries(after::map(varchar, json))) as said from about where after <> '{}')
    union all
    -- ... what they say by what they are ...
    select source, entity_type, entity_id, implied.field, implied.value, occurred_at, turn * 2 + 1
    from about
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
           coalesce(try_cast(fields->>(said.key || '_at') as timestamptz), taken_at), rank
    from (select *, unnest(map_entries(fields::map(varchar, json))) as said from seen)
),
last_words as (
    select source, entity_type, entity_id, field, arg_max(value, rank) as value, arg_max(said_at, rank) as said_at
    from words where not (entity_type = 'card' and field in ('member_ids', 'labels')) group by all
),
told as (
    select source, entity_type, entity_id, json_group_object(field, value) as fields,
           -- The instant it was said; of a snapshot that only tells the instant, that.
           case when bool_or(field = 'archived') then any_value(said_at) filter (field = 'archived' and value = 'true')
                else any_value(try_cast(value->>'$' as timestamptz)) filter (field = 'archived_at') end as archived_at,
           case when bool_or(field = 'deleted') then any_value(said_at) filter (field = 'deleted' and value = 'true')
                else any_value(try_cast(value->>'$' as timestamptz)) filter (field = 'deleted_at') end as deleted_at
    from last_words group by all
),
mentions as (
    select source, entity_type, entity_id, board_id, card_id, occurred_at, event_offset, turn from about
    union all
    select source, 'card', card_id, board_id, card_id, occurred_at, event_offset, turn
    from heard where entity_type <> 'card' or entity_id <> card_id
    union all
    select source, entity_type, entity_id, board_id, null, null, null, (-1e37)::hugeint from named
    union all
    select source, entity_type, entity_id, board_id, fields->>'card_id', null, null, rank from seen
),
places as (
    select source, entity_type, entity_id, arg_max(board_id, turn) as board_id, arg_max(card_id, turn) as card_id,
           max(occurred_at) as last_event_at, max(event_offset) as last_offset, min(event_offset) as first_offset
    from mentions semi join touched using (source, entity_type, entity_id) group by all
),
makings as (
    select source, entity_type, entity_id,
           min(occurred_at) filter (action like '%.created') as created_at,
           arg_min(actor_id, turn) filter (action like '%.created') as created_by,
           max(occurred_at) filter (action like '%.updated') as updated_at
    from about group by all
)
select places.*, coalesce(told.fields, '{}') as fields, told.archived_at, told.deleted_at,
       coalesce(makings.created_at, try_cast(told.fields->>'created_at' as timestamptz)) as created_at,
       coalesce(makings.created_by, told.fields->>'created_by') as created_by,
       coalesce(makings.updated_at, try_cast(told.fields->>'updated_at' as timestamptz)) as updated_at
from places
left join told using (source, entity_type, entity_id)
left join makings using (source, entity_type, entity_id)
