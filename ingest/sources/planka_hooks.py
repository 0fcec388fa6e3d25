"""What a PLANKA webhook says to us: look at this board. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ingest.sources import Delivery, Heard
from ingest.sources.hearing import prove, said
from ingest.sources.planka_fields import Json, place
from ingest.sources.values import mapping, objects

_ABOUT_BOARDS = ("boardCreate", "boardUpdate", "boardDelete")


def hear(delivery: Delivery, secret: str | None, observed_at: datetime) -> Heard:  # noqa: ARG001 - sources hear alike
    """Which boards to look at; raises HookRefused where the delivery does not carry the webhook's access token.

    It tells no facts. PLANKA sends a delivery once, in no order, unsigned, without an instant, for boards the
    reading user may not see, and sometimes with people's password hashes in it: so nothing of it is kept, and
    what it rings for is read from the board itself.
    """
    if secret is not None:
        prove(delivery.headers.get("authorization", ""), f"Bearer {secret}", "the header Authorization")
    return Heard(rings=tuple(dict.fromkeys(_boards(said(delivery)))))


def _boards(told: Json) -> Iterator[str]:
    """The boards a delivery is about, as it is now and as it was; news of people and settings is about none."""
    event = told.get("event")
    if not isinstance(event, str) or event.startswith("notification"):
        return
    for side in (mapping(told.get("data")), mapping(told.get("prevData"))):
        item, included = mapping(side.get("item")), mapping(side.get("included"))
        named = [item.get("boardId"), *(board.get("id") for board in objects(included.get("boards")))]
        if event in _ABOUT_BOARDS:
            named.append(item.get("id"))
        yield from (board for board in named if isinstance(board, str) and place(board))
