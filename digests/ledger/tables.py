"""The ledger's tables, as the newest migration leaves them: one description for SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    text,
)


class Instant(TypeDecorator[datetime]):
    """An aware instant, in and out. SQLite keeps no zones, so what lies there is UTC without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite uses an index of some rows only where a query says which, word for word.
UNFINISHED = text("state in ('due', 'rendered', 'sending', 'deferred')")
TELLING = text("state not in ('due', 'skipped')")
SENT = text("state = 'sent'")
STANDING = text("undone_at is null")

meta = MetaData()
schema_migrations = Table(
    "schema_migrations",
    meta,
    Column("number", Integer, primary_key=True),
    Column("name", String, nullable=False),
)
people = Table(
    "people",
    meta,
    Column("person_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("entry", String, nullable=False),  # the validated entry of people.toml, as JSON
    Column("imported_at", Instant, nullable=False),
)
person_ids = Table(
    "person_ids",
    meta,
    Column("member", String, primary_key=True),
    Column("person_id", String, nullable=False),
)
readings = Table(
    "readings",
    meta,
    Column("reading_id", Integer, primary_key=True),
    Column("person_id", String, nullable=False, index=True),
    Column("after", Integer, nullable=False),
    Column("upto", Integer, nullable=False),
    Column("read_at", Instant, nullable=False),
    Column("via", String, nullable=False),  # page or mail
    Column("undone_at", Instant),
    Index("read_upto", "person_id", "upto", sqlite_where=STANDING, postgresql_where=STANDING),
)
visits = Table(
    "visits",
    meta,
    Column("person_id", String, primary_key=True),
    Column("seen_at", Instant, nullable=False),  # when they were last here: on a page, or choosing something
)
digests = Table(
    "digests",
    meta,
    Column("digest_id", Integer, primary_key=True),
    Column("person_id", String, nullable=False),
    Column("after", Integer, nullable=False),  # an empty window until the digest is made
    Column("upto", Integer, nullable=False),
    Column("slot_at", Instant, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False, default=""),
    Column("counts", String, nullable=False),
    Column("recipient", String, nullable=False, default=""),
    Column("message_id", String, index=True),
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("next_at", Instant),  # not to be tried before
    Column("held_by", String),  # the worker that is making or sending it …
    Column("held_until", Instant),  # … and when it loses it, unless it says that it lives
    Index(
        "one_digest_a_window",
        "person_id",
        "upto",
        unique=True,
        sqlite_where=TELLING,
        postgresql_where=TELLING,
    ),
    Index("one_answer_a_slot", "person_id", "slot_at", unique=True),
    Index(
        "sent_to",
        "person_id",
        "changed_at",
        sqlite_where=SENT,
        postgresql_where=SENT,
    ),
    Index("sent_upto", "person_id", "upto", sqlite_where=SENT, postgresql_where=SENT),
    Index(
        "unfinished",
        "state",
        "next_at",
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    ),
)
# Apart from its digest: a row of `digests` stays small enough to read all of them.
messages = Table(
    "messages",
    meta,
    Column("digest_id", Integer, primary_key=True),
    Column("message", LargeBinary, nullable=False),
)
# What a mail told, for its own page: packed by who reads it.
views = Table(
    "views",
    meta,
    Column("digest_id", Integer, primary_key=True),
    Column("view", LargeBinary, nullable=False),
)
suppressions = Table(
    "suppressions",
    meta,
    Column("address", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("since_at", Instant, nullable=False),
)
