"""A believable team at work: nine people in four zones and six weeks of their boards, ending now.

Everything is written through the functions that the board itself uses, so its log is a real one. What comes out
depends on the seed and the instant only.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from board import boards as change_boards
from board import cards as change_cards
from board.auth import Key
from board.model import Actor, Record, stamp
from board.sample_people import Person, people
from board.sample_plan import Plot, Saying, Step, Story, stories
from board.store import Change, Store
from board.tables import activity, boards, members, workspace_members, workspaces

PEOPLE = Path(__file__).with_name("sample_people.toml")
TEAM = Path(__file__).with_name("sample_team.toml")
SEED = 4
BEFORE = timedelta(days=44)  # six weeks, and a working day to set the boards up in


@dataclass(slots=True)
class Setting:
    """What has been made so far of one board: its columns and labels by name."""

    board: Record
    columns: dict[str, Record]
    labels: dict[str, str]


@dataclass(slots=True)
class Open:
    """What has been made so far of one card."""

    card: Record
    items: list[Record] = field(default_factory=list)
    comments: dict[int, Record] = field(default_factory=dict)


def counted(store: Store) -> str:
    """How much is on the board, as it is logged: `boards=… entries=…`."""
    with store.reading() as connection:
        number = connection.scalar(select(func.count()).select_from(boards))
        entries = connection.scalar(select(func.count()).select_from(activity))
    return f"boards={number} entries={entries}"


def fill_if_empty(store: Store, key: Key, now: datetime, seed: int = SEED) -> None:
    """Fill a board that has nothing on it with the sample team's work, in one commit."""
    with store.reading() as connection:
        if connection.execute(select(boards.c.id).limit(1)).first():
            return
    chance = random.Random(seed)  # noqa: S311 -- a sample has to be the same every time, not secret
    ids = _ids(random.Random(seed + 1))  # noqa: S311
    script = tomllib.loads(TEAM.read_text(encoding="utf-8"))
    team = people(tomllib.loads(PEOPLE.read_text(encoding="utf-8")))
    told = stories(script, chance)
    began = now - BEFORE
    nobody = Actor(key.member_id, "Board owner", "human")
    with store.change(nobody, began, ids) as change:
        _move_in(change, team.values(), key.workspace_id)
        settings = {board["key"]: _set_up(change, board, team, key, began) for board in script["boards"]}
        stage = Stage(change, told, team, settings, now)
        for step in _timeline(script, told, team, now, chance):
            stage.play(step)


def _ids(chance: random.Random) -> Callable[[], str]:
    return lambda: str(UUID(int=chance.getrandbits(128), version=4))


def _move_in(change: Change, team: Iterable[Person], workspace_id: str) -> None:
    for person in team:
        change.connection.execute(
            insert(members),
            {
                "id": person.member_id,
                "name": person.name,
                "username": person.username,
                "email": person.email,
                "kind": "human",
                "created_at": change.at,
            },
        )
        change.connection.execute(
            insert(workspace_members), {"workspace_id": workspace_id, "member_id": person.member_id}
        )
    named = update(workspaces).where(workspaces.c.id == workspace_id)
    change.connection.execute(named.values(name="Pantry", slug="pantry"))


def _set_up(change: Change, script: Story, team: Mapping[str, Person], key: Key, began: datetime) -> Setting:
    """A board as it stood before the first card: columns, labels, members."""
    owner = team[script["owner"]]
    change = change.by(_actor(owner), owner.at_work(began, timedelta(minutes=4)))
    board = change_boards.create_board(change, key.workspace_id, script["title"])
    for username in script["members"]:
        change_boards.join(change, board["id"], team[username].member_id)
    made = [change_boards.create_column(change, board, title) for title in script["columns"]]
    made[-1] = change_boards.update_column(change, made[-1], {"is_done": True})
    change_boards.update_board(change, board, {"done_column_id": made[-1]["id"]})
    named = {
        text: change_boards.create_label(change, board, text, color)["id"]
        for text, color in script["labels"].items()
    }
    return Setting(board, {column["title"]: column for column in made}, named)


def _timeline(
    script: Story, told: list[Story], team: Mapping[str, Person], now: datetime, chance: random.Random
) -> list[Step]:
    """All steps of all stories, in the order in which they happened."""
    of_board = {board["key"]: board for board in script["boards"]}
    steps: list[Step] = []
    for number, story in enumerate(told):
        board = of_board[story["board"]]
        doers = {*story["who"], story["by"]}
        others = [username for username in board["members"] if username not in doers]
        tester = "arjun" if "arjun" in others else chance.choice(others)
        steps += Plot(number, story, board["columns"], team, tester, now, chance).steps()
    return sorted(steps, key=lambda step: step.at)


def _actor(person: Person) -> Actor:
    return Actor(person.member_id, person.name, "human")


class Stage:
    """Where the steps are played: each kind of step is one thing the board can do."""

    def __init__(
        self,
        change: Change,
        told: list[Story],
        team: Mapping[str, Person],
        settings: Mapping[str, Setting],
        now: datetime,
    ) -> None:
        self._change, self._told, self._team, self._settings, self._now = change, told, team, settings, now
        self._open: dict[int, Open] = {}

    def play(self, step: Step) -> None:
        """Do what the step says, as its person and at its instant."""
        change = self._change.by(_actor(self._team[step.who]), step.at)
        story = self._told[step.story]
        setting = self._settings[story["board"]]
        if step.kind == "create":
            first = next(iter(setting.columns.values()))
            said = story.get("description")
            short = said and said.split(". ")[0].rstrip(".") + "."
            self._open[step.story] = Open(change_cards.create_card(change, first, story["title"], short))
            return
        on = self._open[step.story]
        if step.kind in ("say", "item", "tick"):
            self._beside(change, on, step)
        else:
            on.card = self._on_card(change, on.card, setting, step)

    def _beside(self, change: Change, on: Open, step: Step) -> None:
        """Comments and checklist: things that belong to a card and leave the card itself as it is."""
        if step.kind == "say":
            saying: Saying = step.what
            parent = on.comments.get(saying.answers) if saying.answers else None
            thread = (parent["parent_id"] or parent["id"]) if parent else None
            on.comments[saying.number] = change_cards.add_comment(change, on.card, saying.text, thread)
        elif step.kind == "item":
            on.items.append(change_cards.add_item(change, on.card, step.what))
        else:
            for number, item in enumerate(on.items):
                if not item["done"]:
                    on.items[number] = change_cards.edit_item(change, item, {"done": True})
                    break

    def _on_card(self, change: Change, card: Record, setting: Setting, step: Step) -> Record:
        what: Any = step.what
        plays: dict[str, Callable[[], Record]] = {
            "move": lambda: change_cards.move(change, card, setting.columns[what]["id"]),
            "to_top": lambda: change_cards.move(change, card, card["column_id"], 0),
            "label": lambda: change_cards.label(change, card, setting.labels[what]),
            "unlabel": lambda: change_cards.unlabel(change, card, setting.labels[what]),
            "assign": lambda: change_cards.assign(change, card, self._member_ids(what)),
            "due": lambda: change_cards.edit(change, card, {"due_date": self._evening(step)}),
            "describe": lambda: change_cards.edit(change, card, {"description": what}),
            "archive": lambda: change_cards.archive(change, card, archived=True),
        }
        return plays[step.kind]()

    def _member_ids(self, usernames: list[str]) -> list[str]:
        return [self._team[username].member_id for username in usernames]

    def _evening(self, step: Step) -> str:
        """The end of the working day, so many days from now, of whoever sets the due date."""
        return stamp(self._team[step.who].end_of_day(self._now + timedelta(days=step.what)))
