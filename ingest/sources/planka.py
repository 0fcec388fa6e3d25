"""Reads a PLANKA 2: boards, how they stand, and what happened on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import httpx

from ingest.sources import Board, Clock, Level, Page, SourceRefused
from ingest.sources.planka_events import creations, translate
from ingest.sources.planka_fields import SOURCE, made_at, people, place, place_at, snapshot
from ingest.sources.planka_hooks import hear
from ingest.sources.planka_rest import Login, Rest
from ingest.sources.site import Site
from ingest.sources.wire import Door, Wire
from warehouse.model import Event, Snapshot

__all__ = ["SOURCE", "Planka", "connect", "hear", "translate"]

PAGE = 1000
_REMEMBERED = 1000  # places in a position; what is told again because of it harms nothing
_DOOR = Door("PLANKA", "PLANKA_BASE_URL", "PLANKA_TOKEN")
_LATE = timedelta(minutes=1)
"""How long after its id was given a thing may still become visible: ids are given inside transactions."""


class Planka(Site):
    """One PLANKA, as one of its users sees it. Safe to use from several threads."""

    name = SOURCE
    rest = timedelta(seconds=30)

    def __init__(
        self,
        base_url: str,
        *,
        token: str = "",
        login: tuple[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        attempts: int = 4,
        first_wait: timedelta = timedelta(milliseconds=200),
    ) -> None:
        """`token` is an API key or an access token; where there is none, `login` is a user and a password.

        Raises SourceRefused where the address or the token cannot be right.
        """
        self._wire = Wire(
            base_url,
            headers={} if login else _token(token),
            auth=Login(base_url, *login) if login else None,
            door=_DOOR,
            transport=transport,
            attempts=attempts,
            first_wait=first_wait,
        )
        super().__init__(self._wire)
        self._rest = Rest(self._wire)

    def boards(self) -> list[Board]:
        """Every board the user sees, in all projects."""
        return [
            Board(board["id"], str(board.get("name") or ""))
            for board in self._rest.boards()
            if place(board.get("id"))
        ]

    def probe(self, board_id: str) -> Level:
        """PLANKA 2 keeps a log of every board: this looks whether it opens."""
        self._wire.get(f"/api/boards/{board_id}/actions", board_id=board_id)
        return "log"

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The board as it stands now, with its archive."""
        taken_at = clock()  # before asking: what changes meanwhile counts as later
        board, rows = self._rest.board(board_id)
        return snapshot(board, rows, self._wire.base_url, board_id, taken_at)

    def activity(self, board_id: str, after: str, clock: Clock) -> Iterator[Page]:
        """The log after the position `after`, oldest first: PLANKA's actions, and the things that came to be among them.

        What became visible late, up to a minute, is told late rather than never.
        """
        last, told = _told(after)
        since = _late_from(last)
        # The columns before the log: no thing is told without its card. What is away then is what the log names.
        _, rows = self._rest.columns(board_id)
        actions, users = self._rest.log(board_id, since)
        rows = self._rest.with_away(rows, actions, board_id)
        observed_at = clock()
        url = self._wire.base_url
        events = [
            *(translate(action, observed_at, board_id=board_id, base_url=url) for action in actions),
            *creations(rows, since, observed_at, board_id=board_id),
        ]
        new = sorted((event for event in events if _place(event) not in told), key=_place)
        named = people([*rows.get("users", []), *users])
        for start in range(0, len(new), PAGE):
            page = new[start : start + PAGE]
            told |= {_place(event) for event in page}
            last = max(last, *told)
            yield Page(tuple(page), _position(last, told), named if start == 0 else ())


def connect(settings: Mapping[str, str]) -> Planka:
    """The PLANKA the settings name; raises SourceRefused naming what is missing and how to get it."""
    address, token = settings.get("PLANKA_BASE_URL", ""), settings.get("PLANKA_TOKEN", "")
    user, password = settings.get("PLANKA_USER", ""), settings.get("PLANKA_PASSWORD", "")
    if not address:
        raise SourceRefused(
            "PLANKA_BASE_URL is not set; set it to the address of your PLANKA, http(s)://host"
        )
    if token:
        return Planka(address, token=token)
    if not user or not password:
        raise SourceRefused(
            "PLANKA_TOKEN is not set; set it to an API key (in PLANKA: Administration, Users, Generate API key), "
            "or set PLANKA_USER and PLANKA_PASSWORD"
        )
    return Planka(address, login=(user, password))


def _token(token: str) -> dict[str, str]:
    """An API key has a header of its own; an access token is three parts joined by dots."""
    is_access_token = token.count(".") == 2
    return {"Authorization": f"Bearer {token}"} if is_access_token else {"X-Api-Key": token}


def _told(position: str) -> tuple[int, set[int]]:
    """The last place that was told, and the places lately told before it: what stands among them is late."""
    places = [place(each) for each in position.split()]
    return (places[0], set(places)) if places else (0, set())


def _position(last: int, told: set[int]) -> str:
    """A position as text: the last place, then those told in the minute before it, as many as we care to write."""
    lately = sorted(each for each in told if _late_from(last) <= each < last)
    return " ".join(map(str, [last, *lately[-_REMEMBERED:]]))


def _late_from(last: int) -> int:
    """The place from which something may still be missing although `last` was told."""
    at = made_at(str(last))
    return place_at(at - _LATE) if at else 0


def _place(event: Event) -> int:
    return place(event.payload.get("id"))
