"""How far a Jira board was read, so that no change is skipped: neither by paging nor by a search that lags behind. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.sources.jira_fields import Json, id_of
from ingest.sources.values import instant, mapping

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = 60_000
_SETTLING = 2 * _MINUTE
_LATE = 10 * _MINUTE  # a search may not yet show a change of some minutes ago


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk over the issues changed since `since`, in the order they were created; all in milliseconds since 1970.

    Creation never changes, so nobody moves while we walk: a walk goes on from `created`. What changes behind us
    changed after `start`, and is met by the next walk, which begins at the newest change before that (`top`).
    `seen` says of the issues told last when they had changed, so that they are not asked for again; one that has
    changed just now is, since its changelog may come after it.
    """

    since: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    created: int | None = None
    start: int = 0
    top: int = 0

    @classmethod
    def of(cls, position: str) -> Walk:
        """The walk a position means; what is no position of ours is the beginning."""
        try:
            told = mapping(json.loads(position or "{}"))
        except (ValueError, RecursionError):
            return cls()
        seen = {key: at for key, at in mapping(told.get("seen")).items() if isinstance(at, int)}
        numbers = {
            key: told[key] for key in ("since", "start", "top", "created") if isinstance(told.get(key), int)
        }
        return cls(seen=seen, **numbers)

    def __str__(self) -> str:
        told: dict[str, Any] = {"since": self.since, "seen": self.seen}
        if self.created is not None:
            told |= {"created": self.created, "start": self.start, "top": self.top}
        return json.dumps(told, sort_keys=True, separators=(",", ":"))

    def begun(self, now: datetime) -> Walk:
        """This walk, begun now where it has not yet; `now` by Jira's clock."""
        return (
            self
            if self.created is not None
            else replace(self, created=0, start=milliseconds(now), top=self.since)
        )

    def jql(self, filter_id: str, created: int) -> str:
        """The search for what has changed, from `created` on. Numbers have no zone; JQL looks at whole minutes."""
        terms = [f"filter = {filter_id}"]
        if self.since:
            terms.append(f"updated >= {whole(self.since - _LATE)}")
        if created:
            terms.append(f"created >= {whole(created)}")
        return " AND ".join(terms) + " ORDER BY created ASC"

    def is_news(self, issue: Json) -> bool:
        """Whether an issue has changed since it was told."""
        updated = _changed(issue)
        return updated is None or self.seen.get(str(id_of(issue.get("id")))) != updated

    def after(self, issues: list[Json]) -> Walk:
        """The walk after telling these."""
        changes = {str(id_of(issue.get("id"))): at for issue in issues if (at := _changed(issue)) is not None}
        top = max([self.top, *(at for at in changes.values() if at <= self.start)])
        settled = {thing: at for thing, at in changes.items() if at <= self.start - _SETTLING}
        seen = {thing: at for thing, at in (self.seen | settled).items() if at >= top - _LATE - _MINUTE}
        return replace(self, seen=seen, top=top, created=max(self.created or 0, border(issues)))

    def ended(self) -> Walk:
        """The place after the last issue."""
        return Walk(self.top, self.seen)


def milliseconds(at: datetime) -> int:
    """An instant as JQL takes it whatever the account's zone."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def whole(at: int) -> int:
    """The minute an instant is in."""
    return at - at % _MINUTE


def border(issues: list[Json]) -> int:
    """The minute in which the last of these was created: where to go on."""
    told = (instant(mapping(issue.get("fields")).get("created")) for issue in issues)
    return max((whole(milliseconds(at)) for at in told if at), default=0)


def _changed(issue: Json) -> int | None:
    at = instant(mapping(issue.get("fields")).get("updated"))
    return milliseconds(at) if at else None
