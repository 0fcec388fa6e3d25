"""Small Trello exports in our own words, newest action first as Trello writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

BOARD, TODO, DONE = "60a000000000000000000001", "60a000000000000000000002", "60a000000000000000000003"
CARD, ANA = "60a0000000000000000000c1", "60a0000000000000000000a1"
START = datetime(2021, 5, 16, 12, 0, tzinfo=UTC)
PLACE = {"board": {"id": BOARD, "name": "Garden"}}


def action(kind: str, number: int = 1, **data: Any) -> dict[str, Any]:
    """One action, `number` minutes after the start; `member` stands beside its data, as in real exports."""
    member = {"member": data.pop("member")} if "member" in data else {}
    return {
        "id": f"60a0000000000000000{number:05x}",
        "idMemberCreator": ANA,
        "type": kind,
        "date": (START + timedelta(minutes=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": PLACE | data,
        "memberCreator": {"id": ANA, "fullName": "Ana Lima", "username": "ana"},
    } | member


def card(**fields: Any) -> dict[str, Any]:
    """The part of an action that names the card."""
    return {"id": CARD, "name": "Tulips", "idShort": 7, "shortLink": "abc"} | fields


def column(column_id: str = TODO, **fields: Any) -> dict[str, Any]:
    return {"id": column_id, "name": "To plant" if column_id == TODO else "Planted"} | fields


def export(actions: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A board with two lists and, unless told otherwise, one card."""
    whole_card = card(
        idList=TODO, desc="", closed=False, pos=1024, due=None, idMembers=[], idLabels=[], labels=[]
    )
    return {
        "id": BOARD,
        "name": "Garden",
        "url": "https://trello.com/b/xyz",
        "closed": False,
        "dateLastActivity": "2021-05-17T12:00:00.000Z",
        "actions": sorted(actions, key=lambda each: str(each.get("date")), reverse=True),
        "cards": [whole_card],
        "lists": [column(TODO, pos=1, closed=False), column(DONE, pos=2, closed=False)],
        "members": [{"id": ANA, "fullName": "Ana Lima", "username": "ana"}],
        "labels": [
            {"id": "l1", "name": "", "color": "green"},
            {"id": "l2", "name": "Urgent", "color": "red"},
        ],
        "checklists": [],
    } | fields
