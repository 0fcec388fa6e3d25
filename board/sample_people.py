"""The people of the sample team: where they live, and when they are at work. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

WEEKDAYS = "mon tue wed thu fri sat sun".split()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the team, where they live and when they work."""

    username: str
    member_id: str
    name: str
    email: str
    zone: ZoneInfo
    days: frozenset[int]
    start: time
    end: time

    def works(self, at: datetime) -> bool:
        """Whether they are at work at this instant."""
        local = at.astimezone(self.zone)
        return local.weekday() in self.days and self.start <= local.time() < self.end

    def awake(self, at: datetime) -> bool:
        """Whether one may expect them to be up."""
        return time(7) <= at.astimezone(self.zone).time() < time(22, 30)

    def at_work(self, at: datetime, late: timedelta) -> datetime:
        """This instant if they work then, else `late` after they begin the next time."""
        if self.works(at):
            return at
        local = at.astimezone(self.zone)
        for ahead in range(8):
            on = local.date() + timedelta(days=ahead)
            begins = datetime.combine(on, self.start, self.zone)
            if on.weekday() in self.days and begins > at:
                return begins + late
        raise ValueError(f"{self.username} never works")

    def end_of_day(self, at: datetime) -> datetime:
        """When they go home on that day, or on the next one they work."""
        on = at.astimezone(self.zone).date()
        while on.weekday() not in self.days:
            on += timedelta(days=1)
        return datetime.combine(on, self.end, self.zone)


def people(parsed: Mapping[str, Any]) -> dict[str, Person]:
    """The team out of the parsed people file, by user name (what stands before the @ of their address)."""
    team = {}
    for each in parsed["people"]:
        begins, ends = (time.fromisoformat(text) for text in each["work_hours"].split("-"))
        username = each["email"].partition("@")[0]
        team[username] = Person(
            username=username,
            member_id=each["members"][0].removeprefix("flux:"),
            name=each["name"],
            email=each["email"],
            zone=ZoneInfo(each["zone"]),
            days=frozenset(WEEKDAYS.index(day) for day in each["work_days"]),
            start=begins,
            end=ends,
        )
    return team
