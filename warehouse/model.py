"""The nouns everybody shares: events, snapshots, cursors, windows. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Fields = Mapping[str, Any]
"""Canonical field names to JSON values. Absent means "not said", None means "empty"."""

EntityType = Literal["board", "column", "card", "member", "comment", "checklist_item", "attachment", "label"]

ACTIONS = frozenset(
    """
    board.created board.updated board.deleted board.restored
    column.created column.updated column.archived column.unarchived column.deleted column.restored column.reordered
    card.created card.updated card.moved card.reordered card.archived card.unarchived card.deleted card.restored
    card.assigned card.unassigned card.labeled card.unlabeled
    comment.created comment.updated comment.deleted
    checklist.created checklist.updated checklist.checked checklist.unchecked checklist.deleted
    attachment.created attachment.deleted label.created label.updated label.deleted
    member.joined member.left member.updated action.undone unknown
    """.split()
)
"""What can happen. A source maps what it does not know to `unknown` and keeps the payload."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about a board, as its source told it.

    `event_id` is unique within `source` and makes telling it twice harmless. `occurred_at` is the
    source's clock, `observed_at` ours; both are UTC-aware. `before` and `after` hold only the
    canonical fields that changed (all known ones for a creation); `payload` is what the source said.
    `event_offset` is the position in our log: gapless from 1, None until the log has given one.
    """

    source: str
    event_id: str
    board_id: str
    action: str
    entity_type: EntityType
    entity_id: str | None
    occurred_at: datetime
    observed_at: datetime
    card_id: str | None = None
    actor_id: str | None = None
    column_from: str | None = None
    column_to: str | None = None
    before: Fields = field(default_factory=dict)
    after: Fields = field(default_factory=dict)
    payload: Fields = field(default_factory=dict)
    inferred: bool = False
    event_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing a snapshot saw, with every canonical field the source gave."""

    entity_type: EntityType
    entity_id: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A board as its source showed it at one instant. Fills in what the log does not say."""

    source: str
    board_id: str
    taken_at: datetime
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source has been read, in the source's own terms (`position`)."""

    source: str
    board_id: str
    position: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one pass over a source brings: kept whole or not at all.

    `snapshot` replaces what the board's last one said; `people` are members met on boards, added to what is shown there.
    """

    events: tuple[Event, ...] = ()
    snapshot: Snapshot | None = None
    cursor: Cursor | None = None
    people: tuple[Snapshot, ...] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: events offered, events new to the log, and the log's last offset."""

    events: int
    new: int
    upto: int


@dataclass(frozen=True, slots=True)
class Published:
    """A version that readers are shown; it changes with every publish, what it holds never does.

    `checked_at` is when a writer last saw that nothing newer is to be published.
    """

    version: str
    revision: int
    published_at: datetime
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """Events with `after < event_offset <= upto`: windows that touch never overlap or gap."""

    after: int
    upto: int

    def __post_init__(self) -> None:
        if not 0 <= self.after <= self.upto:
            raise ValueError(f"a window needs 0 <= after <= upto, not after={self.after} upto={self.upto}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing `doctor` or `audit` looked at: whether it is well, and what to do if not."""

    ok: bool
    subject: str
    text: str
    next_step: str = ""
