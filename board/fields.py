"""What a request may say: checks of single fields, with errors that name the field. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from board.model import Invalid, Record, VersionConflict, camel, stamp

T = TypeVar("T")
Check = Callable[[str, object], T]
MAX_TEXT = 100_000
MAX_WHOLE = 2**31


def text(name: str, value: object) -> str:
    """A text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"{name}: a text that is not empty is needed")
    if len(value) > MAX_TEXT:
        raise Invalid(f"{name}: at most {MAX_TEXT} characters")
    return _encodable(name, value)


def _encodable(name: str, value: str) -> str:
    """JSON can say half a character; nobody can store or show it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Invalid(f"{name}: this text is not valid Unicode") from None
    return value


def maybe_text(name: str, value: object) -> str | None:
    """A text, or null."""
    return None if value is None or value == "" else text(name, value)


def truth(name: str, value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Invalid(f"{name}: true or false is needed")
    return value


def whole(name: str, value: object) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_WHOLE:
        raise Invalid(f"{name}: a whole number from 0 is needed")
    return value


def ids(name: str, value: object) -> list[str]:
    """A list of ids."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Invalid(f"{name}: a list of ids is needed")
    return [_encodable(name, each) for each in value]


def mapping(name: str, value: object) -> Record:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Invalid(f"{name}: an object is needed")
    _encodable(name, json.dumps(value, ensure_ascii=False))
    return value


def maybe_instant(name: str, value: object) -> str | None:
    """An ISO 8601 instant (UTC where it does not say), or null; as it is stored."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(str(value))
        return stamp(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError):
        raise Invalid(f"{name}: an ISO 8601 date or null is needed") from None


def color(name: str, value: object) -> str:
    """A colour as hex: #rgb or #rrggbb."""
    if not isinstance(value, str) or not re.fullmatch(r"#(?:[0-9a-fA-F]{3}){1,2}", value):
        raise Invalid(f"{name}: a colour like #1d9bf0 is needed")
    return value


def need(body: Mapping[str, object], name: str, check: Check[T]) -> T:
    """The field, checked; it has to be there."""
    if name not in body:
        raise Invalid(f"{name}: this field is needed")
    return check(name, body[name])


def given(body: Mapping[str, object], **checks: Check[object]) -> Record:
    """The fields that are there, checked, by the names they are stored under."""
    return {
        name: check(camel(name), body[camel(name)]) for name, check in checks.items() if camel(name) in body
    }


def updates(body: Mapping[str, object], **checks: Check[object]) -> Record:
    """Like `given`, when there has to be at least one."""
    found = given(body, **checks)
    if not found:
        raise Invalid("No updates provided")
    return found


def same_version(body: Mapping[str, object], thing: Record) -> None:
    """Refuse when the request expects another version than the thing has."""
    expected = body.get("expectedVersion")
    if expected is not None and whole("expectedVersion", expected) != thing["version"]:
        raise VersionConflict(f"expectedVersion is {expected}, this is at version {thing['version']}")
