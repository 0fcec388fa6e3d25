-- The offsets of what must be heard: all that was ever said, from $since on, of the things touched, and for cards of what is
-- on them. Narrow columns only and one semi join each, so that a long log costs little.
select event_offset from (from events where event_offset >= $since)
semi join (select source, entity_id as card_id from touched where entity_type = 'card') using (source, card_id)
union
select event_offset from (from events where event_offset >= $since)
semi join touched using (source, entity_type, entity_id)
union
select event_offset from (from events where event_offset >= $since)
semi join (select source, entity_type, entity_id as board_id from touched where entity_type = 'board')
    using (source, entity_type, board_id)
