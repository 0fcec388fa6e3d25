-- The log. Append only, in arrival order; event_offset is gapless from 1.
-- No keys or indexes on purpose (see DECISIONS.md): uniqueness on (source, event_id) is kept by the writer and proven by audit.
-- Payloads are kept with zstd: a fifth of the room of DuckDB's own choice. Not what state is derived from: zstd opens 2,048 rows to read one.
create table events (
    event_offset bigint not null,
    source       varchar not null,
    event_id     varchar not null,
    board_id     varchar not null,
    card_id      varchar,
    actor_id     varchar,
    action       varchar not null,
    entity_type  varchar not null,
    entity_id    varchar,
    occurred_at  timestamptz not null,
    observed_at  timestamptz not null,
    inferred     boolean not null,
    column_from  varchar,
    column_to    varchar,
    before       json,
    after        json,
    payload      json using compression zstd
);

-- How far each source has been read, in its own terms; moves in the transaction that appends.
-- moved_at is when we observed what moved it (null: a batch without events or snapshot).
create table source_cursors (
    source varchar not null, board_id varchar not null, position varchar not null, moved_at timestamptz
);

-- What a source's last snapshot said of each thing: fills in what the log does not say.
-- taken_at is the first snapshot that said exactly this; snapshot_times has the newest of the board.
create table snapshots (
    source varchar not null, board_id varchar not null, entity_type varchar not null, entity_id varchar not null,
    taken_at timestamptz not null,
    fields json not null using compression zstd
);
create table snapshot_times (
    source varchar not null, board_id varchar not null, taken_at timestamptz not null
);

-- Grows by one with every transaction that changed something: tells the writer whether what is published is old.
create table revisions (revision bigint not null);
insert into revisions values (0);

-- Current state, derived from the log (and, where the log is silent, the last snapshot).
-- Each table is defined by the query of its name in warehouse/state.
create table boards (
    board_id varchar, source varchar, title varchar, url varchar,
    created_at timestamptz, archived_at timestamptz, deleted_at timestamptz
);
create table columns (
    column_id varchar, source varchar, board_id varchar, title varchar, position double, is_done boolean,
    archived_at timestamptz, deleted_at timestamptz
);
create table cards (
    card_id varchar, source varchar, board_id varchar, column_id varchar, title varchar, description varchar,
    position double, created_at timestamptz, created_by varchar, due_at timestamptz, due_done boolean,
    archived_at timestamptz, deleted_at timestamptz, assignee_ids varchar[], labels varchar[],
    url varchar, human_id varchar, last_event_at timestamptz, last_offset bigint
);
create table members (
    member_id varchar, source varchar, name varchar, username varchar, kind varchar
);
create table board_members (
    source varchar, board_id varchar, member_id varchar
);
create table comments (
    comment_id varchar, source varchar, board_id varchar, card_id varchar, member_id varchar, parent_id varchar,
    content varchar, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz
);
create table checklist_items (
    item_id varchar, source varchar, board_id varchar, card_id varchar, checklist varchar, text varchar, done boolean,
    position double, deleted_at timestamptz
);
