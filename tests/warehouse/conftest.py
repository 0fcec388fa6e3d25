"""Events and batches in few words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakes import copied_lake, make_template, settings_of
from postgres import postgres
from warehouse.home import Home
from warehouse.model import Batch, Event

__all__ = ["postgres"]  # a fixture

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHILD = Path(__file__).with_name("writing_child.py")


def make_event(number: int, action: str = "card.created", **said: Any) -> Event:
    """Event `number` of a board: one a minute, about card c1 unless said otherwise."""
    entity_type = said.pop("entity_type", action.split(".")[0])
    card_id = said.pop("card_id", "c1")
    said.setdefault("entity_id", card_id if entity_type == "card" else None)
    return Event(
        source=said.pop("source", "flux"),
        event_id=said.pop("event_id", f"e{number}"),
        board_id=said.pop("board_id", "b1"),
        action=action,
        entity_type=entity_type,
        card_id=card_id,
        occurred_at=said.pop("occurred_at", START + timedelta(minutes=number)),
        observed_at=START,
        **said,
    )


@pytest.fixture
def event() -> Callable[..., Event]:
    return make_event


@pytest.fixture(scope="session")
def lake_template(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with an empty lake, to copy."""
    return make_template(postgres, tmp_path_factory.mktemp("lake"))


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """An empty home; with ON_BOTH once with a file, once with a lake."""
    root = tmp_path / "home"
    root.mkdir()
    if getattr(request, "param", "file") == "file":
        yield Home(root)
        return
    server, template = request.getfixturevalue("postgres"), request.getfixturevalue("lake_template")
    with copied_lake(server, template, root) as home:
        yield home


@pytest.fixture
def shared(postgres: str, lake_template: str, tmp_path: Path) -> Iterator[Home]:
    """An empty home with a lake."""
    with copied_lake(postgres, lake_template, tmp_path / "shared") as home:
        yield home


@pytest.fixture
def batch() -> Callable[[int, int], Batch]:
    """Events `first` to `last`: cards are made, each then moves about."""

    def make(first: int, last: int) -> Batch:
        return Batch(
            tuple(
                make_event(
                    number,
                    "card.created" if number <= 10 else "card.moved",
                    card_id=f"c{number % 10}",
                    actor_id=f"m{number % 3}",
                    column_to=f"k{number % 4}",
                    after={"title": f"Card {number}"} if number <= 10 else {},
                    payload={"told": number},
                )
                for number in range(first, last + 1)
            )
        )

    return make


@pytest.fixture
def child(home: Home) -> Callable[..., subprocess.Popen[str]]:
    """Starts a process that works on this home (see writing_child.py)."""

    def start(*words: str, at: Home = home) -> subprocess.Popen[str]:
        root = Path(__file__).parents[2]
        return subprocess.Popen(
            [sys.executable, str(CHILD), str(at.root), *words],
            env={**os.environ, "PYTHONPATH": str(root), **settings_of(at)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
