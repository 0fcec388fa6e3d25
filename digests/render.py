"""A catch-up as JSON, text and HTML, and the subject of its mail. Pure: the same value gives the same bytes."""

from __future__ import annotations

from typing import Any

from digests.model import CatchUp, Line


def as_json(catch_up: CatchUp) -> dict[str, Any]:
    """The catch-up as JSON values; the lists under `accounted` partition the window's offsets."""
    accounted = catch_up.accounted
    return {
        "person": catch_up.person.person_id,
        "zone": catch_up.zone,
        "window": {"after": catch_up.window.after, "upto": catch_up.window.upto},
        "from_at": catch_up.from_at.isoformat(),
        "to_at": catch_up.to_at.isoformat(),
        "counts": counts(catch_up),
        "sections": [
            {"name": section.name, "lines": [_line(line) for line in section.lines]}
            for section in catch_up.sections
        ],
        "accounted": {
            "shown": list(accounted.shown),
            "folded": list(accounted.folded),
            "excluded": {reason: list(offsets) for reason, offsets in accounted.excluded.items()},
        },
    }


def counts(catch_up: CatchUp) -> dict[str, Any]:
    """How many events the window holds and where they went."""
    accounted = catch_up.accounted
    return {
        "events": accounted.events,
        "shown": len(accounted.shown),
        "folded": len(accounted.folded),
        "excluded": {reason: len(offsets) for reason, offsets in accounted.excluded.items()},
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "card_id": line.card_id,
        "card": line.card,
        "board": line.board,
        "kind": line.kind,
        "text": line.text,
        "reason": line.reason,
        "actors": list(line.actors),
        "at": line.at.isoformat(),
        "url": line.url,
        "events": list(line.events),
        "late": line.late,
    }
