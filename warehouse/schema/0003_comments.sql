-- What every table and column means, in the file itself: any tool that opens it can show this, and `daybreak docs` prints it.
-- The revision grows, as with every step that readers should see: else nothing is published until the next event.
update progress set revision = revision + 1 where revision > 0;

comment on table events is 'The log: one row a fact, in the order we heard of it. Append only; every fact once, by (source, event_id). Everything else is derived from it.';
comment on column events.event_offset is 'Position in the log: 1, 2, 3 … without a gap. Windows are event_offset > after and event_offset <= upto.';
comment on column events.source is 'Who told it: flux, trello, planka, kanboard, github, jira.';
comment on column events.event_id is 'The source''s own name for the fact, unique within the source; made by us, from what it says, where the source has none.';
comment on column events.board_id is 'The board it happened on (boards.board_id).';
comment on column events.card_id is 'The card it is about, also for comments and checklists (cards.card_id). Null where it is about no card.';
comment on column events.actor_id is 'Who did it (members.member_id). Null where the source does not say.';
comment on column events.action is 'What happened, as thing.verb in one vocabulary for all sources; "unknown" where we could not read it.';
comment on column events.entity_type is 'What it happened to: board, column, card, member, comment, checklist_item, attachment, label.';
comment on column events.entity_id is 'The id of what it happened to. Null where the source does not say.';
comment on column events.occurred_at is 'When it happened, by the source''s clock (UTC). May be earlier than what stands before it in the log, or in our future.';
comment on column events.observed_at is 'When we heard of it, by our clock (UTC).';
comment on column events.inferred is 'True where no source said so and we concluded it by comparing what was known with what was shown.';
comment on column events.column_from is 'The column a card left (columns.column_id). Null where it is no move.';
comment on column events.column_to is 'The column a card came to or was made in (columns.column_id). Null where it changed no column.';
comment on column events.before is 'JSON object: the canonical fields that changed, as they were. Of member_ids and labels: what was taken away.';
comment on column events.after is 'JSON object: the canonical fields that changed, as they are now; all known ones for a creation. Of member_ids and labels: what was added.';
comment on column events.payload is 'JSON object: what the source said, word for word.';

comment on table source_cursors is 'How far each source has been read, one row a board. Moves in the transaction that appends.';
comment on column source_cursors.source is 'The source, as in events.source.';
comment on column source_cursors.board_id is 'The board, as in events.board_id.';
comment on column source_cursors.position is 'Where to go on reading, in the source''s own terms.';
comment on column source_cursors.moved_at is 'When we observed what moved it (UTC). Null: it moved without an event or a snapshot.';

comment on table snapshots is 'What a source''s last look at a board showed of each thing, one row a thing. Fills in what the log does not say.';
comment on column snapshots.source is 'The source, as in events.source.';
comment on column snapshots.board_id is 'The board that was looked at.';
comment on column snapshots.entity_type is 'What kind of thing it is, as in events.entity_type.';
comment on column snapshots.entity_id is 'The thing''s id.';
comment on column snapshots.taken_at is 'The first look that showed exactly this (UTC); snapshot_times has the newest look at the board.';
comment on column snapshots.fields is 'JSON object: all canonical fields the source gave. Of member_ids and labels: the whole set.';

comment on table snapshot_times is 'When each board was last looked at as a whole, one row a board.';
comment on column snapshot_times.source is 'The source, as in events.source.';
comment on column snapshot_times.board_id is 'The board that was looked at.';
comment on column snapshot_times.taken_at is 'When the source showed it (UTC).';

comment on table boards is 'Boards as they are now, one row a board that any event or snapshot names. Archived and deleted ones stay.';
comment on column boards.board_id is 'The board''s id in its source.';
comment on column boards.source is 'The source, as in events.source. With board_id it names the board.';
comment on column boards.title is 'Its title. Null where nothing tells it.';
comment on column boards.url is 'Its address in the source. Null where nothing tells it.';
comment on column boards.created_at is 'When it was made (UTC). Null where nothing tells it.';
comment on column boards.archived_at is 'When it was archived or closed (UTC). Null: it is open.';
comment on column boards.deleted_at is 'When it was deleted (UTC). Null: it is there.';

comment on table columns is 'Columns of boards as they are now, one row a column. Archived and deleted ones stay.';
comment on column columns.column_id is 'The column''s id in its source.';
comment on column columns.source is 'The source, as in events.source. With column_id it names the column.';
comment on column columns.board_id is 'The board it is on (boards.board_id).';
comment on column columns.title is 'Its title. Null where nothing tells it.';
comment on column columns.position is 'Sorts the columns of a board, smallest first.';
comment on column columns.is_done is 'Whether the source says that work in it is done. Null where it does not say.';
comment on column columns.archived_at is 'When it was archived (UTC). Null: it is not.';
comment on column columns.deleted_at is 'When it was deleted (UTC). Null: it is there.';

comment on table cards is 'Cards as they are now, one row a card, where its last event puts it. Archived and deleted ones stay.';
comment on column cards.card_id is 'The card''s id in its source.';
comment on column cards.source is 'The source, as in events.source. With card_id it names the card.';
comment on column cards.board_id is 'The board it is on (boards.board_id).';
comment on column cards.column_id is 'The column it is in (columns.column_id). Null where nothing tells it.';
comment on column cards.title is 'Its title.';
comment on column cards.description is 'Its description, as the source writes it (mostly Markdown).';
comment on column cards.position is 'Sorts the cards of a column, smallest first.';
comment on column cards.created_at is 'When it was made (UTC). Null where nothing tells it.';
comment on column cards.created_by is 'Who made it (members.member_id). Null where nothing tells it.';
comment on column cards.due_at is 'When it is due (UTC). Null: no due date.';
comment on column cards.due_done is 'Whether its due date is ticked off. Null where the source has no such tick.';
comment on column cards.archived_at is 'When it was archived or closed (UTC). Null: it is not.';
comment on column cards.deleted_at is 'When it was deleted (UTC). Null: it is there.';
comment on column cards.assignee_ids is 'Who it is given to now (members.member_id), sorted; empty when nobody.';
comment on column cards.labels is 'The labels it carries now, by name (by colour where it has none), sorted; empty when none.';
comment on column cards.url is 'Its address in the source. Null where nothing tells it.';
comment on column cards.human_id is 'The short id people use for it, as on the board. Null where it has none.';
comment on column cards.last_event_at is 'When something last happened to it, by the source''s clock (UTC). Null: only a snapshot tells of it.';
comment on column cards.last_offset is 'The last event about it, comments and checklists included (events.event_offset). Null: only a snapshot tells of it.';

comment on table members is 'Everybody a source names, one row a person and source; also who is only known as an actor or assignee.';
comment on column members.member_id is 'The person''s id in the source.';
comment on column members.source is 'The source, as in events.source. With member_id it names the person.';
comment on column members.name is 'Full name. Null where nothing tells it.';
comment on column members.username is 'The name to sign in or mention by. Null where nothing tells it.';
comment on column members.kind is 'human, agent or another word the source has. Null where nothing tells it.';

comment on table board_members is 'Who has or had to do with a board: its members, who did something on it, who was given a card of it. Rows are only added.';
comment on column board_members.source is 'The source, as in events.source.';
comment on column board_members.board_id is 'The board (boards.board_id).';
comment on column board_members.member_id is 'The person (members.member_id).';

comment on table comments is 'Comments as they read now, one row a comment. Deleted ones stay.';
comment on column comments.comment_id is 'The comment''s id in its source.';
comment on column comments.source is 'The source, as in events.source. With comment_id it names the comment.';
comment on column comments.board_id is 'The board it is on (boards.board_id).';
comment on column comments.card_id is 'The card it is on (cards.card_id).';
comment on column comments.member_id is 'Who wrote it (members.member_id). Null where nothing tells it.';
comment on column comments.parent_id is 'The comment it answers (comments.comment_id). Null: it answers none.';
comment on column comments.content is 'What it says, as the source writes it (mostly Markdown).';
comment on column comments.created_at is 'When it was written (UTC). Null where nothing tells it.';
comment on column comments.updated_at is 'When it was last changed (UTC). Null: never, as far as we know.';
comment on column comments.deleted_at is 'When it was deleted (UTC). Null: it is there.';

comment on table checklist_items is 'Items of checklists as they are now, one row an item. Deleted ones stay.';
comment on column checklist_items.item_id is 'The item''s id in its source.';
comment on column checklist_items.source is 'The source, as in events.source. With item_id it names the item.';
comment on column checklist_items.board_id is 'The board it is on (boards.board_id).';
comment on column checklist_items.card_id is 'The card it is on (cards.card_id).';
comment on column checklist_items.checklist is 'The title of the checklist it belongs to. Null where the source has one list a card.';
comment on column checklist_items.text is 'What is to be done.';
comment on column checklist_items.done is 'Whether it is ticked off.';
comment on column checklist_items.position is 'Sorts the items of a checklist, smallest first.';
comment on column checklist_items.deleted_at is 'When it was deleted (UTC). Null: it is there.';

comment on table progress is 'How far this file is, one row. For Daybreak itself.';
comment on column progress.revision is 'Grows by one with every transaction that changed something.';
comment on column progress.head is 'The last event_offset given; 0 while the log is empty.';
comment on column progress.derived is 'The last event_offset that the tables of current state have taken in. In a published file: head.';

comment on table resaid is 'Things a newer snapshot shows differently and current state has not taken in yet. Empty in a published file. For Daybreak itself.';
comment on column resaid.source is 'The source, as in events.source.';
comment on column resaid.entity_type is 'What kind of thing it is, as in events.entity_type.';
comment on column resaid.entity_id is 'The thing''s id.';

comment on table schema_migrations is 'The numbered schema files this file has seen, one row a file. For Daybreak itself.';
comment on column schema_migrations.number is 'The schema file''s number; the greatest is the file''s schema. Older code refuses a newer one.';
comment on column schema_migrations.name is 'The schema file''s name.';
