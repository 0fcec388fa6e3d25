"""Four boards with two years of history as a Flux would serve them, made up from a seed and written to files.

Run: `python flux_world.py FOLDER ENTRIES`. For each board FOLDER gets `<id>.activity` (its entries, joined by commas),
`<id>.offsets` (where each begins, and the end), `<id>.board` (the board as its log leaves it), and in all `boards.json`
and `facts.json` (what a reader must end up with). Entries carry whole things before and after, field by field as our
board's do.
"""

from __future__ import annotations

import json
import sys
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

START = datetime(2024, 11, 4, 8, 0, tzinfo=UTC)
SPAN = timedelta(days=730)
PEOPLE = 40
BOARDS = (("Product", 0.4), ("Platform", 0.3), ("Support", 0.2), ("Marketing", 0.1))
COLUMNS = ("Ideas", "Ready", "In progress", "Review", "Testing", "Done")
LABELS = ("bug", "feature", "debt", "customer", "urgent", "design", "question", "security")
FIRST = "Ada Björn Chloé Dmitri Emeka Farah Goran Hana Iñigo Jun Kofi Lena Mateo Nadia Oskar Priya Quentin Rosa Søren Tala".split()
LAST = "Okafor Lindqvist Moreau Tanaka Novák Silva Haddad Weber Kowalska Adeyemi".split()
WORDS = """
the a login page invoice export when user opens second tab after update error shows blank screen please check with
customer again before release we should move this button because people miss it steps to reproduce open settings choose
language save and reload expected saved value actual old value import fails for large files timeout after thirty seconds
""".split()
MIX = {
    "create": 7, "move": 30, "reorder": 12, "rename": 4, "describe": 5, "due": 5, "assign": 9, "unassign": 2, "label": 5,
    "unlabel": 1, "comment": 9, "edit_comment": 1, "add_item": 4, "check_item": 3, "archive": 5, "delete": 1,
}  # fmt: skip


def dumps(value: object) -> str:
    """JSON as the board's server writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Thing:
    """A card, column, comment …: its fields as served, and the JSON of them."""

    __slots__ = ("fields", "text")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self.text = dumps(fields)


class World:
    """What the boards share: chance, people, the workspace."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.workspace_id = self.new_id()
        self.people = [self._person(number) for number in range(PEOPLE)]

    def new_id(self) -> str:
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def words(self, fewest: int, most: int) -> str:
        return " ".join(self.random.choices(WORDS, k=self.random.randint(fewest, most))).capitalize()

    def _person(self, number: int) -> Thing:
        name = f"{FIRST[number % len(FIRST)]} {LAST[number % len(LAST)]}" + (" II" if number >= 20 else "")
        username = f"person{number}"
        return Thing({"id": self.new_id(), "name": name, "username": username, "email": f"{username}@example.org", "kind": "human", "createdAt": stamp(START)})  # fmt: skip


class Board:
    """One board as it lives: does what a team does, and logs it."""

    def __init__(self, world: World, title: str, entries: int, folder: Path) -> None:
        self.world, self.random, self.title, self.entries = world, world.random, title, entries
        self.id = world.new_id()
        self.seq, self.made, self.size = 0, 0, 0
        self.offsets = array("Q")
        self.folder = folder
        self.out = (folder / f"{self.id}.activity").open("wb")
        self.board = self.thing(shortId=self.id[:8], workspaceId=world.workspace_id, title=title, settings={}, doneColumnId=None, createdBy=world.people[0].fields["id"])  # fmt: skip
        self.board.fields["id"] = self.id
        self.board.text = dumps(self.board.fields)
        self.columns: list[Thing] = []
        self.labels: list[Thing] = []
        self.open: list[Thing] = []
        self.archived: list[Thing] = []
        self.deleted = 0
        self.comments: list[Thing] = []
        self.items: list[Thing] = []
        self.tops = 0.0

    def at(self) -> str:
        """The instant of the next entry: evenly over the span, with some chance in it."""
        return stamp(START + SPAN * ((self.seq + self.random.random()) / self.entries))

    def thing(self, **fields: object) -> Thing:
        life = {"createdAt": self.at(), "updatedAt": self.at(), "deletedAt": None, "version": 1}
        return Thing({"id": self.world.new_id(), **fields, **life})

    def log(
        self, action: str, kind: str, thing: Thing, before: str = "null", card_id: str | None = None
    ) -> None:
        actor = self.random.choice(self.world.people).fields
        self.seq += 1
        card = f'"{card_id}"' if card_id else "null"
        entry = (
            f'{{"seq":{self.seq},"id":"{self.world.new_id()}","boardId":"{self.id}","cardId":{card},'
            f'"actor":{{"id":"{actor["id"]}","name":"{actor["name"]}","kind":"human"}},"action":"{action}",'
            f'"entityType":"{kind}","entityId":"{thing.fields["id"]}","before":{before},"after":{thing.text},'
            f'"createdAt":"{self.at()}"}}'
        ).encode()
        if self.size:
            self.out.write(b",")
            self.size += 1
        self.offsets.append(self.size)
        self.out.write(entry)
        self.size += len(entry)

    def revise(
        self, action: str, kind: str, thing: Thing, card_id: str | None = None, **values: object
    ) -> None:
        before = thing.text
        thing.fields |= values | {"updatedAt": self.at(), "version": thing.fields["version"] + 1}
        thing.text = dumps(thing.fields)
        self.log(action, kind, thing, before, card_id or (thing.fields["id"] if kind == "card" else None))

    def live(self) -> None:
        """From the board's making to its last entry."""
        self.log("board.created", "board", self.board)
        for position, title in enumerate(COLUMNS):
            self.columns.append(
                self.thing(boardId=self.id, title=title, position=position, isDone=title == "Done")
            )
            self.log("column.created", "column", self.columns[-1])
        for text in LABELS:
            self.labels.append(self.thing(boardId=self.id, text=text, color="#1d9bf0"))
            self.log("label.created", "label", self.labels[-1])
        for person in self.world.people:
            self.log("member.joined", "member", person)
        deeds = [getattr(self, name) for name in MIX]
        weights = list(MIX.values())
        while self.seq < self.entries:
            for deed in self.random.choices(deeds, weights, k=1000):
                deed() if self.open else self.create()
                if self.seq >= self.entries:
                    break

    def some_card(self) -> Thing:
        """Mostly one of the newer ones."""
        back = int(self.random.expovariate(1 / 120))
        return self.open[-1 - min(back, len(self.open) - 1)]

    def some_person(self) -> str:
        return str(self.random.choice(self.world.people).fields["id"])

    def create(self) -> None:
        self.made += 1
        self.tops += 1024.0
        title = f"{self.world.words(2, 7)} {self.made}"
        description = self.world.words(5, 70) if self.random.random() < 0.4 else None
        card = self.thing(
            humanId=f"{self.title[:2].upper()}-{self.made}", boardId=self.id, columnId=self.columns[0].fields["id"], title=title,
            description=description, position=self.tops, assigneeIds=[], labelIds=[], dueDate=None, coverUrl=None, archivedAt=None,
            createdBy=self.some_person(),
        )  # fmt: skip
        self.open.append(card)
        self.log("card.created", "card", card, card_id=card.fields["id"])

    def move(self) -> None:
        card = self.some_card()
        places = [column.fields["id"] for column in self.columns]
        here = places.index(card.fields["columnId"])
        there = max(0, here - 1) if self.random.random() < 0.15 else here + 1
        self.revise(
            "card.moved", "card", card, columnId=places[there % len(places)], position=self.a_position()
        )

    def a_position(self) -> float:
        return round(self.random.random() * self.tops, 3)

    def reorder(self) -> None:
        self.revise("card.reordered", "card", self.some_card(), position=self.a_position())

    def rename(self) -> None:
        card = self.some_card()
        number = card.fields["title"].rsplit(" ", 1)[1]
        self.revise("card.updated", "card", card, title=f"{self.world.words(2, 7)} {number}")

    def describe(self) -> None:
        self.revise("card.updated", "card", self.some_card(), description=self.world.words(5, 70))

    def due(self) -> None:
        days = timedelta(days=self.random.randint(1, 30))
        due = stamp(START + SPAN * (self.seq / self.entries) + days)
        self.revise("card.updated", "card", self.some_card(), dueDate=due)

    def assign(self) -> None:
        self.add("assigneeIds", "card.assigned", self.some_person())

    def label(self) -> None:
        self.add("labelIds", "card.labeled", self.random.choice(self.labels).fields["id"])

    def add(self, field: str, action: str, thing_id: str) -> None:
        card = self.some_card()
        if thing_id not in card.fields[field]:
            self.revise(action, "card", card, **{field: [*card.fields[field], thing_id]})

    def unassign(self) -> None:
        self.drop("assigneeIds", "card.unassigned")

    def unlabel(self) -> None:
        self.drop("labelIds", "card.unlabeled")

    def drop(self, field: str, action: str) -> None:
        card = self.some_card()
        if card.fields[field]:
            self.revise(action, "card", card, **{field: card.fields[field][1:]})

    def comment(self) -> None:
        card_id = self.some_card().fields["id"]
        comment = self.thing(boardId=self.id, cardId=card_id, userId=self.some_person(), parentId=None, content=self.world.words(3, 50))  # fmt: skip
        self.comments.append(comment)
        self.log("comment.created", "comment", comment, card_id=card_id)

    def edit_comment(self) -> None:
        if self.comments:
            comment = self.random.choice(self.comments[-200:])
            self.revise(
                "comment.updated",
                "comment",
                comment,
                comment.fields["cardId"],
                content=self.world.words(3, 50),
            )

    def add_item(self) -> None:
        card_id = self.some_card().fields["id"]
        item = self.thing(boardId=self.id, cardId=card_id, text=self.world.words(2, 6), done=False, position=len(self.items) % 7)  # fmt: skip
        self.items.append(item)
        self.log("checklist.created", "checklist_item", item, card_id=card_id)

    def check_item(self) -> None:
        item = self.random.choice(self.items[-200:]) if self.items else None
        if item and not item.fields["done"]:
            self.revise("checklist.checked", "checklist_item", item, item.fields["cardId"], done=True)

    def archive(self) -> None:
        """One of the oldest, when there are enough."""
        if len(self.open) > 200:
            card = self.open.pop(self.random.randrange(50))
            self.revise("card.archived", "card", card, archivedAt=self.at())
            self.archived.append(card)

    def delete(self) -> None:
        card = self.open.pop(self.random.randrange(len(self.open)))
        self.revise("card.deleted", "card", card, deletedAt=self.at())
        self.deleted += 1

    def end(self) -> dict[str, int]:
        """Write what readers are shown of the end; the facts they must find."""
        self.out.close()
        self.offsets.append(self.size + 1)  # as if another entry followed
        (self.folder / f"{self.id}.offsets").write_bytes(self.offsets.tobytes())
        cards = ",".join(f'"{card.fields["id"]}":{card.text}' for card in [*self.archived, *self.open])
        labels, people = (
            ",".join(each.text for each in things) for things in (self.labels, self.world.people)
        )
        (self.folder / f"{self.id}.board").write_text(
            f'{{"board":{dumps(self.summary())},"cards":{{{cards}}},"boardLabels":[{labels}],"members":[{people}]}}'
        )
        return {
            "entries": self.seq, "cards": self.made, "open": len(self.open), "archived": len(self.archived),
            "deleted": self.deleted, "comments": len(self.comments), "items": len(self.items),
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """The board as lists of boards show it."""
        return self.board.fields | {"columns": [column.fields for column in self.columns]}


def stamp(at: datetime) -> str:
    """An instant as the board writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(folder: Path, entries: int) -> None:
    """All boards, and `facts.json` last: where that is, the rest is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    world = World(seed=3)
    facts: dict[str, int] = {}
    boards = []
    for title, share in BOARDS:
        board = Board(world, title, round(entries * share), folder)
        board.live()
        boards.append(board.summary())
        for name, count in board.end().items():
            facts[name] = facts.get(name, 0) + count
    (folder / "boards.json").write_text(dumps({"boards": boards}))
    sizes = sum(path.stat().st_size for path in folder.glob("*.activity"))
    (folder / "facts.json").write_text(dumps(facts | {"bytes": sizes}))


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
