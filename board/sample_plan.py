"""When the sample team did what: stories unfolded into steps at people's own working hours. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from board.sample_people import Person

RECENT = timedelta(hours=15, minutes=30)
"""How far back the fresh steps of a story reach."""

Story = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Saying:
    """A comment, its number on the card, and the number of the one it answers."""

    text: str
    number: int
    answers: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody does one thing to one card."""

    at: datetime
    who: str
    story: int
    kind: str
    what: Any = None


def stories(parsed: Mapping[str, Any], chance: random.Random) -> list[Story]:
    """The cards of the parsed team file, the small ones too, with a time for those that name none."""
    told: list[Story] = list(parsed["cards"])
    for group in parsed["small"]:
        for title, by, who, label, speaker, text in group["cards"]:
            told.append(
                {
                    "board": group["board"],
                    "title": title,
                    "by": by,
                    "who": [who],
                    "labels": [label] if label else [],
                    "ago": chance.uniform(3, 40),
                    "took": chance.uniform(2, 8),
                    "reach": "Done",
                    "checklist": [],
                    "talk": [[speaker, text]],
                }
                | ({"due": chance.randint(3, 9)} if chance.random() < 0.4 else {})
            )
    return told


class Plot:
    """Unfolds one story: wishes are fractions of its run, and become instants when their people work."""

    def __init__(
        self,
        number: int,
        story: Story,
        columns: list[str],
        team: Mapping[str, Person],
        tester: str,
        now: datetime,
        chance: random.Random,
    ) -> None:
        self.number, self.story, self.columns, self.team, self.tester = number, story, columns, team, tester
        self.now, self.chance = now, chance
        self.wishes: list[tuple[float, str, str, Any]] = []
        self._said = 0
        self.doer = story["who"][0] if story["who"] else story["by"]
        self.working = 2 if len(columns) > 5 else 1  # the column in which work is done
        moved_lately = any(kind == "move" for _, kind, _ in story.get("fresh", ()))
        self.reach = columns.index(story["reach"]) - (1 if moved_lately else 0)
        self.done = self.reach == len(columns) - 1

    def steps(self) -> list[Step]:
        """All steps of the story up to now, in order."""
        begin = self.now - timedelta(days=self.story["ago"])
        run = timedelta(days=min(self.story["took"], self.story["ago"] - 1))
        for plot in (self._beginning, self._moves, self._checklist, self._talk, self._troubles, self._edits):
            plot()
        fresh = self.story.get("fresh", ())
        horizon = self.now - (RECENT if fresh else timedelta(minutes=10))
        steps: list[Step] = []
        at = begin
        for fraction, who, kind, what in sorted(self.wishes, key=lambda wish: wish[0]):
            gap = timedelta(seconds=self.chance.randint(40, 900))
            wish = begin + run * fraction
            at = self.team[who].at_work(max(at + gap, wish), timedelta(seconds=self.chance.randint(60, 5000)))
            if at > horizon:
                break
            steps.append(Step(at, who, self.number, kind, what))
        return steps + list(self._fresh(fresh))

    def _wish(self, fraction: float, who: str, kind: str, what: object = None) -> None:
        self.wishes.append((fraction, who, kind, what))

    def _beginning(self) -> None:
        by = self.story["by"]
        self._wish(0, by, "create")
        for label in self.story["labels"]:
            self._wish(0.001, by, "label", label)
        if self.story["who"]:
            first_up = by if self.chance.random() < 0.7 else self.doer
            self._wish(0.08, first_up, "assign", list(self.story["who"]))
        if "due" in self.story:
            self._wish(0.09, by, "due", self.story["due"] - self.story["ago"])
        if self.chance.random() < 0.5:
            self._wish(0.1, by, "to_top")

    def _moved_at(self, column: int) -> float:
        return 0.12 + (column - 1) / (len(self.columns) - 2) * 0.84

    def _moves(self) -> None:
        for column in range(1, self.reach + 1):
            last = column == len(self.columns) - 1
            who = self.story["by"] if column < self.working else self.tester if last else self.doer
            self._wish(self._moved_at(column), who, "move", self.columns[column])

    def _checklist(self) -> None:
        items = self.story["checklist"]
        begun = self._moved_at(self.working) + 0.001
        for item in items:
            self._wish(begun, self.doer, "item", item)
        kept_back = (
            0 if self.done else max(1, sum(kind == "tick" for _, kind, _ in self.story.get("fresh", ())))
        )
        ticked = len(items) if self.done else max(0, round(len(items) * 0.7) - kept_back)
        for number in range(ticked):
            who = self.chance.choice(self.story["who"] or [self.doer])
            self._wish(begun + 0.02 + (0.92 - begun) * (number + 1) / (len(items) + 1), who, "tick")

    def _talk(self) -> None:
        talk = self.story["talk"]
        fraction = 0.0
        for number, (who, text) in enumerate(talk):
            answers = text.startswith(">")
            fraction = fraction + 0.004 if answers else 0.14 + 0.8 * number / len(talk)
            self._wish(fraction, who, "say", self._saying(text))

    def _troubles(self) -> None:
        if "blocked" in self.story:
            who, text = self.story["blocked"]
            self._wish(0.62, who, "say", self._saying(text))
            self._wish(0.6201, who, "label", "blocked")
            if not self.story.get("fresh"):
                self._wish(0.75, who, "unlabel", "blocked")
        if "reopened" in self.story:
            who, text = self.story["reopened"]
            self._wish(1.2, who, "say", self._saying(text))
            self._wish(1.2001, who, "move", self.columns[self.working])
            self._wish(1.45, self.doer, "move", self.columns[-2])
            self._wish(1.6, self.tester, "move", self.columns[-1])

    def _edits(self) -> None:
        if "." in self.story.get("description", "")[:-1]:
            self._wish(0.11, self.story["by"], "describe", self.story["description"])
        if "due" in self.story and self.chance.random() < 0.35:
            later = self.story["due"] - self.story["ago"] + self.chance.randint(2, 5)
            self._wish(0.7, self.story["by"], "due", later)
        if self.done and self.story["ago"] - self.story["took"] > 16 and self.chance.random() < 0.7:
            self._wish(1.9, self.story["by"], "archive")

    def _fresh(self, fresh: Iterable[tuple[str, str, str]]) -> Iterable[Step]:
        """The last hours. Who would answer in their sleep has not answered yet."""
        said_at = began = self.now - RECENT
        for number, (who, kind, what) in enumerate(fresh):
            is_answer = kind == "say" and what.startswith(">")
            at = self._lately(self.team[who], said_at if is_answer else began, is_answer=is_answer)
            if at is None:
                continue
            said_at = at if kind == "say" else said_at
            yield Step(at, who, self.number, kind, self._fresh_what(kind, what))
            if number == 0 and "blocked" in self.story:
                began = at + timedelta(seconds=30)
                yield Step(began, who, self.number, "unlabel", "blocked")

    def _fresh_what(self, kind: str, what: str) -> object:
        match kind:
            case "say":
                return self._saying(what)
            case "due":
                return float(what)
            case "assign":
                return [*self.story["who"], what]
        return what

    def _lately(self, person: Person, after: datetime, *, is_answer: bool) -> datetime | None:
        """An instant after this one and before now: at work if that can be, else while they are up."""
        room = self.now - timedelta(minutes=4) - after
        spots = [after + room * (number + self.chance.random()) / 60 for number in range(1, 58)]
        good = [at for at in spots if person.works(at)] or [at for at in spots if person.awake(at)]
        if not good:
            return None
        return self.chance.choice(good[: len(good) // 3 + 1] if is_answer else good)

    def _saying(self, text: str) -> Saying:
        """A comment; one that begins with ">" answers the comment told before it."""
        self._said += 1
        answers = self._said - 1 if text.startswith(">") else None
        return Saying(text.removeprefix(">"), self._said, answers)
