"""Reads a GitHub repository as a board: its issues, what happened to them, their comments; by REST, three lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ingest.sources import Board, BoardGone, Clock, Page, SourceChanged, SourceRefused
from ingest.sources.github_events import NOT_HAPPENINGS, commented, opened, translate
from ingest.sources.github_fields import Json, ident, is_pull_request, people, snapshot
from ingest.sources.github_look import OVERLAP, Look, Position, Stretch
from ingest.sources.values import instant, mapping, objects
from ingest.sources.wire import Answer, Wire
from warehouse.model import Snapshot

PER_PAGE = 100

_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


class Repositories:
    """The repositories one token reads. `with_pull_requests` takes them as cards too."""

    def __init__(self, wire: Wire, names: tuple[str, ...], *, with_pull_requests: bool = False) -> None:
        self._wire, self._names, self._with_pull_requests = wire, names, with_pull_requests
        self._known: dict[str, Json] = {}

    def boards(self) -> list[Board]:
        """Each repository that is named; one that was there and is gone is left out.

        Raises SourceRefused for one that never was there.
        """
        return [board for name in self._names if (board := self._board(name))]

    def _board(self, name: str) -> Board | None:
        try:
            answer = self._wire.get(f"/repos/{name}", board_id=name)
        except BoardGone as error:
            if any(name.lower() == str(each.get("full_name")).lower() for each in self._known.values()):
                return None
            raise SourceRefused(
                f"{error}: GITHUB_REPOS names {name!r}; write owner/name, and let the token read its issues"
            ) from error
        repository = mapping(answer.told)
        board_id = ident(repository.get("id"))
        if not board_id or not isinstance(repository.get("full_name"), str):
            raise answer.changed("told no repository")
        self._known[board_id] = repository
        return Board(board_id, repository["full_name"])

    def has(self, board_id: str) -> bool:
        """Whether this board is one of ours."""
        return board_id.isdigit()

    def _path(self, board_id: str) -> str:
        if board_id not in self._known:
            self.boards()
        if board_id not in self._known:
            raise BoardGone(f"repository {board_id} is not among GITHUB_REPOS ({', '.join(self._names)})")
        return f"/repos/{self._known[board_id]['full_name']}"

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """All issues, open and closed, as they are now."""
        path, taken_at = self._path(board_id), clock()
        issues: dict[str, Json] = {}
        for page in self._by_update(f"{path}/issues", board_id, "", {"state": "all"}):
            issues |= {str(issue.get("number")): issue for issue in page if self._is_ours(issue)}
        return snapshot(self._known[board_id], issues.values(), taken_at, board_id=board_id)

    def activity(self, board_id: str, after: str, clock: Clock) -> Iterator[Page]:
        """What happened after `after`: in one look issues first, then their events, then comments; each page by time."""
        look = Look(Position.of(after))
        for stretch in self._stretches(board_id, look.begun, clock):
            if look.add(stretch) and (page := look.page()):
                yield page
        if page := look.page():
            yield page

    def _stretches(self, board_id: str, begun: Position, clock: Clock) -> Iterator[Stretch]:
        path = self._path(board_id)
        entries = self._events(path, board_id, begun.events)
        titles = _first_titles(entries)
        reached = begun.issues
        for page in self._by_update(f"{path}/issues", board_id, begun.issues, {"state": "all"}):
            reached = _newest(page, "updated_at", reached)
            ours = [issue for issue in page if self._is_ours(issue)]
            made = [
                (
                    _at(each),
                    opened(each, clock(), board_id=board_id, title=titles.get(str(each.get("number")))),
                )
                for each in ours
            ]
            yield Stretch("issues", made, people(ours), reached)
        happened = [
            entry
            for entry in entries
            if entry.get("event") not in NOT_HAPPENINGS and self._is_ours(mapping(entry.get("issue")))
        ]
        told = [
            (instant(each.get("created_at")), translate(each, clock(), board_id=board_id))
            for each in happened
        ]
        yield Stretch("events", told, people(happened), _newest(entries, "created_at", begun.events))
        reached = begun.comments
        for page in self._by_update(f"{path}/issues/comments", board_id, begun.comments, {}):
            reached = _newest(page, "updated_at", reached)
            ours = [comment for comment in page if self._is_ours(comment)]
            said = [
                (_at(each), event) for each in ours for event in commented(each, clock(), board_id=board_id)
            ]
            yield Stretch("comments", said, people(ours), reached)

    def _is_ours(self, thing: Json) -> bool:
        return self._with_pull_requests or not is_pull_request(thing)

    def _by_update(
        self, path: str, board_id: str, since: str, params: Mapping[str, str]
    ) -> Iterator[list[Json]]:
        """A list, least recently updated first, from `since` on.

        Pages are asked for by time, not by number: what is changed meanwhile moves to the end, and the numbers with it.
        """
        asked = {**params, "sort": "updated", "direction": "asc", "per_page": str(PER_PAGE)}
        begin = instant(since)
        if begin:
            asked["since"] = _stamp(begin - OVERLAP)
        seen: set[tuple[str | None, datetime | None]] = set()
        while True:
            answer = self._wire.get(path, asked, board_id=board_id)
            page = _list(answer)
            met = {(ident(each.get("id")), _at(each)) for each in page}
            yield [each for each in page if (ident(each.get("id")), _at(each)) not in seen]
            seen = met  # the next page begins a second before this one's end
            following = _next(answer, asked, len(page))
            if following is None:
                return
            reached = instant(_newest(page, "updated_at", ""))
            stamp = _stamp(reached - timedelta(seconds=1)) if reached else ""
            # No second further than before (a bulk edit): then by number after all.
            asked = following if stamp <= asked.get("since", "") else {**_first(asked), "since": stamp}

    def _events(self, path: str, board_id: str, since: str) -> list[Json]:
        """Issue events from a little before `since` on, oldest first; GitHub lists the newest first."""
        begin = instant(since)
        found: dict[str, Json] = {}
        asked: dict[str, str] | None = {"per_page": str(PER_PAGE)}
        while asked is not None:
            try:
                answer = self._wire.get(f"{path}/issues/events", asked, board_id=board_id)
            except SourceChanged as error:
                if found and "answered 422" in str(error):
                    break  # GitHub lists only so many pages of a long history: what is older stays unknown
                raise
            page = _list(answer)
            recent = [
                entry
                for entry in page
                if begin is None or (instant(entry.get("created_at")) or begin) >= begin - OVERLAP
            ]
            found |= {
                str(entry.get("id", f"{len(found)}.{place}")): entry for place, entry in enumerate(recent)
            }
            asked = _next(answer, asked, len(page)) if len(recent) == len(page) else None
        return list(reversed(found.values()))


def _at(thing: Json) -> datetime | None:
    """A thing's place in a list by update."""
    return instant(thing.get("updated_at"))


def _list(answer: Answer) -> list[Json]:
    if not isinstance(answer.told, list):
        raise answer.changed("told no list")
    return objects(answer.told)


def _next(answer: Answer, asked: Mapping[str, str], count: int) -> dict[str, str] | None:
    """What to ask for the next page, as the answer's Link says; None on the last."""
    found = _NEXT.search(answer.headers.get("link", ""))
    if found:
        return dict(parse_qsl(urlsplit(found[1]).query))
    if answer.is_same and count == PER_PAGE:  # "not modified" may leave the Link out
        return {**asked, "page": str(int(asked.get("page", "1")) + 1)}
    return None


def _first(asked: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if name not in ("page", "after")}


def _newest(things: list[Json], key: str, otherwise: str) -> str:
    instants = [at for thing in things if (at := instant(thing.get(key)))]
    known = instant(otherwise)
    return max([*instants, *([known] if known else [])]).isoformat() if instants else otherwise


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first_titles(entries: list[Json]) -> dict[str, str]:
    """What each issue was called before the first renaming there is of it."""
    titles: dict[str, Any] = {}
    for entry in entries:
        if entry.get("event") == "renamed":
            old = mapping(entry.get("rename")).get("from")
            titles.setdefault(str(mapping(entry.get("issue")).get("number")), old)
    return {number: title for number, title in titles.items() if isinstance(title, str)}
