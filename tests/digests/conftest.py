"""A small team on two boards, and a story told about them: what the tests of digests share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from digests import ledger
from digests.catchup import Cutoff, Span, catch_up
from digests.model import BoardNow, CardNow, CatchUp, ColumnNow, CommentNow, MemberNow, Person, World
from postgres import postgres
from warehouse.home import Home
from warehouse.model import Event, Window

__all__ = ["postgres"]  # a fixture

NOW = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)
"""A Tuesday, 8 in the morning in Berlin."""
_schemas = itertools.count()
GOLDEN = Path(__file__).parents[1] / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the goldens anew; then read the diff"
    )


@dataclass
class Story:
    """Events of one night, an hour apart, and what a reader is told of them."""

    now: datetime = NOW
    person: Person = field(
        default_factory=lambda: Person(
            "ben-berg", "Ben Berg", "ben@example.org", "Europe/Berlin", members=("flux:ben",)
        )
    )
    events: list[Event] = field(default_factory=list)
    members: dict[str, MemberNow] = field(default_factory=dict)
    cards: dict[str, CardNow] = field(default_factory=dict)
    columns: dict[str, ColumnNow] = field(default_factory=dict)
    boards: dict[str, BoardNow] = field(default_factory=dict)
    comments: dict[str, CommentNow] = field(default_factory=dict)
    on_board: dict[str, frozenset[str]] = field(default_factory=dict)

    def tell(self, action: str, who: str | None, card: str | None = None, **more: object) -> Event:
        """One more event; an hour apart unless `ago` says when."""
        offset = len(self.events) + 1
        ago = more.pop("ago", timedelta(hours=12) - timedelta(minutes=5 * min(offset, 140)))
        known = self.cards.get(card or "")
        event = Event(
            source="flux",
            event_id=f"e{offset}",
            board_id=str(more.pop("board", known.board_id if known else "web")),
            action=action,
            entity_type=str(more.pop("entity", action.split(".")[0].replace("checklist", "checklist_item"))),  # type: ignore[arg-type]
            entity_id=str(more.pop("id", card)),
            occurred_at=self.now - ago,  # type: ignore[operator]
            observed_at=self.now,
            card_id=card,
            actor_id=who,
            event_offset=offset,
            **more,  # type: ignore[arg-type]
        )
        self.events.append(event)
        return event

    def move(self, who: str, card: str, start: str, end: str, **more: object) -> Event:
        return self.tell("card.moved", who, card, column_from=start, column_to=end, **more)

    def say(self, who: str, card: str, words: str, key: str = "", **more: object) -> Event:
        key = key or f"k{len(self.events) + 1}"
        self.comments[key] = CommentNow(key, card, f"flux:{who}", None, words)
        after = {"content": words, **({"parent_id": more.pop("parent")} if "parent" in more else {})}
        return self.tell("comment.created", who, card, id=key, after=after, **more)

    @property
    def world(self) -> World:
        return World(self.boards, self.columns, self.cards, self.members, self.on_board, self.comments)

    def read(
        self,
        *,
        cutoff: Cutoff | None = None,
        late: bool = False,
        first: bool = False,
        since: timedelta = timedelta(days=1),
    ) -> CatchUp:
        from_at = cutoff.at if cutoff else self.now - since
        span = Span(Window(0, len(self.events)), from_at, self.now, late, first)
        return catch_up(self.person, self.world, self.events, span, cutoff=cutoff)


def team() -> Story:
    """Ben reads. He is on boards Web and Mobile, not on Secret; cards c1 and c2 are his."""
    story = Story()
    for key, name in {
        "ana": "Ana Lima",
        "ben": "Ben Berg",
        "chen": "Chen Wei",
        "ana2": "Ana-Maria Sousa",
    }.items():
        story.members[f"flux:{key}"] = MemberNow(f"flux:{key}", name, key)
    for key, title in {"web": "Web shop", "mobile": "Mobile app", "secret": "Secret"}.items():
        story.boards[key] = BoardNow(key, "flux", title, f"https://flux.example/b/{key}")
        story.on_board[key] = frozenset(story.members) - ({"flux:ben"} if key == "secret" else set())
    for key, title in {"todo": "To do", "doing": "Doing", "review": "Review", "done": "Done"}.items():
        story.columns[key] = ColumnNow(key, title, key == "done" or None)
    titles = {
        "c1": "Pay with card", "c2": "Fix the login redirect", "c3": "Address form", "c4": "Dark mode",
        "c5": "Push notifications", "c6": "Receipts as PDF", "c7": "Slow search",
    }  # fmt: skip
    for key, title in titles.items():
        board, mine = (
            ("mobile" if key in ("c4", "c5") else "web"),
            {"flux:ben"} if key in ("c1", "c2") else set(),
        )
        url = f"https://flux.example/c/{key}"
        story.cards[key] = CardNow(key, board, title, "todo", url, "flux:ana", frozenset(mine), 5, 7)
    story.cards["x1"] = CardNow("x1", "secret", "Acquisition", "todo")
    return story


@pytest.fixture
def books(request: pytest.FixtureRequest, home: Home) -> Iterator[Callable[[str], Home]]:
    """Gives the home with an empty ledger: in a file, or (`postgresql`) in a schema of its own in a real PostgreSQL."""
    opened: list[Home] = []

    def at(database: str) -> Home:
        if database == "sqlite":
            return home
        url, schema = request.getfixturevalue("postgres"), f"ledger_{next(_schemas)}"
        with psycopg.connect(url, autocommit=True) as con:
            con.execute(f"create schema {schema}")
        there = f"{url.replace('://', '+psycopg://')}?options={quote(f'-csearch_path={schema}')}"
        opened.append(replace(home, ledger_url=there))
        return opened[-1]

    yield at
    for each in opened:
        ledger.close(each)


@pytest.fixture
def story() -> Story:
    return team()


@pytest.fixture(scope="session")
def new_story() -> Callable[[], Story]:
    """For tests that tell many stories."""
    return team


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the one that was judged good; `--update-golden` takes the new one."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden", default=False):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run `pytest tests/digests --update-golden` and read it"
        assert path.read_text(encoding="utf-8") == text

    return compare
