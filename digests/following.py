"""Which boards a person wants to be told of, by what they call them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from digests.mentions import plain
from digests.model import BoardNow, Person


class UnknownBoard(Exception):
    """No board, or more than one, is called that; the message names which it might mean."""


def silent(person: Person, boards: Mapping[str, BoardNow]) -> Mapping[str, str]:
    """The boards the person is not told of, with the reason: `muted`, or `not_followed` where they follow others."""
    muted, followed = _ids(person.muted, boards.values()), _ids(person.followed, boards.values())
    quiet = {board_id: "not_followed" for board_id in boards if person.followed and board_id not in followed}
    return quiet | dict.fromkeys(muted, "muted")


def board_named(text: str, boards: Iterable[BoardNow]) -> BoardNow:
    """The board with that id or title. Raises UnknownBoard."""
    known = list(boards)
    found = [one for one in known if _is(one, text)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{one.board_id} ({one.source})" for one in found)
        raise UnknownBoard(f"{len(found)} boards are called {text!r}: {ids}. Say which by its id.")
    titles = {plain(one.title): one.title for one in known if one.title}
    near = [titles[one] for one in get_close_matches(plain(text), titles, 2, 0.6)]
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"known are {', '.join(titles.values()) or 'none yet'}."
    )
    raise UnknownBoard(f"There is no board {text!r}; {hint}")


def known_ids(names: Iterable[str], boards: Iterable[BoardNow]) -> list[str]:
    """The names as ids, as far as they name one board; another may be named later."""
    known = list(boards)
    found = [(name, [one.board_id for one in known if _is(one, name)]) for name in names]
    return [ids[0] if len(ids) == 1 else name for name, ids in found]


def _ids(names: Iterable[str], boards: Iterable[BoardNow]) -> set[str]:
    wanted = list(names)
    return {one.board_id for one in boards if any(_is(one, name) for name in wanted)}


def _is(board: BoardNow, name: str) -> bool:
    return name == board.board_id or plain(name) == plain(board.title)
