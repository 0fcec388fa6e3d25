"""The board's own words: how things are served, and what can be wrong with a request. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
"""One stored thing: column names to values, as the tables hold it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, named as they were called when they did it."""

    id: str
    name: str
    kind: str


class BoardError(Exception):
    """A request that cannot be done; answered as `{"error", "code"}` with `status`."""

    status = 500
    code = "INTERNAL"


class Unauthorized(BoardError):
    """The key is missing or unknown."""

    status, code = 401, "UNAUTHORIZED"


class Forbidden(BoardError):
    """The key may not do this."""

    status, code = 403, "FORBIDDEN"


class NotFound(BoardError):
    """No such thing, or it was deleted, or it is in a workspace the key does not see."""

    status, code = 404, "NOT_FOUND"


class VersionConflict(BoardError):
    """`expectedVersion` is not the version the thing has: read it again, then decide."""

    status, code = 409, "VERSION_CONFLICT"


class Invalid(BoardError):
    """The request is malformed, or nothing in it is recognised; the text names the field."""

    status, code = 422, "VALIDATION_ERROR"


def stamp(at: datetime) -> str:
    """An instant as it is stored and served: ISO 8601, UTC, milliseconds, so that text order is time order."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def camel(name: str) -> str:
    """`created_at` as Flux writes it: `createdAt`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
