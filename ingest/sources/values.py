"""Small conversions every source needs at its door: instants, numbers, what was added and removed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138, as milliseconds 1973
_EPOCH_TEXT = re.compile(r"\d{9,14}(\.\d+)?")  # longer than a date without dashes


def instant(value: object) -> datetime | None:
    """An instant, UTC-aware, of ISO 8601 text (no zone said: UTC) or of seconds or milliseconds since 1970.

    Numbers may come as text. None when it is none of these.
    """
    if isinstance(value, str) and _EPOCH_TEXT.fullmatch(value):
        value = float(value)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
            return _EPOCH + timedelta(seconds=seconds)
        if not isinstance(value, str):
            return None
        parsed = datetime.fromisoformat(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def iso(value: object) -> str | None:
    """An instant as ISO 8601 text in UTC, as canonical fields carry it; None when it is not one."""
    parsed = instant(value)
    return parsed.isoformat() if parsed else None


def texts(value: object) -> list[str]:
    """The non-empty texts of a list, in order, each once; anything else is no text at all."""
    items = value if isinstance(value, list) else []
    return list(dict.fromkeys(item for item in items if isinstance(item, str) and item))


def number(value: object) -> float | None:
    """A finite number, None for anything else (booleans too)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def delta(
    field: str, old: Iterable[str], new: Iterable[str]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What left a set (for `before`) and what joined it (for `after`); a side without news says nothing."""
    was, now = list(old), list(new)
    removed, added = [item for item in was if item not in now], [item for item in now if item not in was]
    return ({field: removed} if removed else {}, {field: added} if added else {})


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is a JSON object, an empty one otherwise."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of a list; anything else is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
