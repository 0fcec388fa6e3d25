"""Which event each Trello action becomes: a row of the table is a promise."""

from __future__ import annotations

import pytest
from wire.exports import ANA, BOARD, CARD, DONE, TODO, action, card, column, export

from ingest.sources.trello import batch
from warehouse.model import ACTIONS

BEN = "60a0000000000000000000a2"
ITEM = {"id": "i1", "name": "Dig", "state": "complete"}
SHED = {"id": "k1", "name": "Shed"}

TABLE = [
    # what Trello says, then: action, entity type, entity id, before, after
    (
        action("createCard", card=card(), list=column()),
        ("card.created", "card", CARD, {}, {"title": "Tulips", "human_id": "7", "column_id": TODO}),
    ),
    (
        action("copyCard", card=card(), list=column(), cardSource={"id": "x"}),
        ("card.created", "card", CARD, {}, {"title": "Tulips", "human_id": "7", "column_id": TODO}),
    ),
    (
        action("moveCardToBoard", card=card(idList=DONE)),  # it may have been here before
        (
            *("card.created", "card", CARD, {}),
            {"title": "Tulips", "human_id": "7", "column_id": DONE, "deleted": False},
        ),
    ),
    (action("moveCardFromBoard", card=card(), list=column()), ("card.deleted", "card", CARD, {}, {})),
    (action("deleteCard", card={"id": CARD}, list=column()), ("card.deleted", "card", CARD, {}, {})),
    (
        action(
            "updateCard",
            card=card(idList=DONE),
            old={"idList": TODO},
            listBefore=column(),
            listAfter=column(DONE),
        ),
        ("card.moved", "card", CARD, {"column_id": TODO}, {"column_id": DONE}),
    ),
    (
        action(
            "updateCard",
            card=card(idList=DONE, pos=4, closed=True),
            old={"idList": TODO, "pos": 2, "closed": False},
        ),
        (
            "card.moved",
            "card",
            CARD,
            {"column_id": TODO, "position": 2.0, "archived": False},
            {"column_id": DONE, "position": 4.0, "archived": True},
        ),
    ),
    (
        action("updateCard", card=card(pos=4), old={"pos": 2}),
        ("card.reordered", "card", CARD, {"position": 2.0}, {"position": 4.0}),
    ),
    (
        action("updateCard", card=card(closed=True, desc="x"), old={"closed": False, "desc": ""}),
        (
            "card.archived",
            "card",
            CARD,
            {"archived": False, "description": ""},
            {"archived": True, "description": "x"},
        ),
    ),
    (
        action("updateCard", card=card(closed=False), old={"closed": True}),
        ("card.unarchived", "card", CARD, {"archived": True}, {"archived": False}),
    ),
    (
        action("updateCard", card=card(name="Roses", pos=4), old={"name": "Tulips", "pos": 2}),
        (
            "card.updated",
            "card",
            CARD,
            {"title": "Tulips", "position": 2.0},
            {"title": "Roses", "position": 4.0},
        ),
    ),
    (
        action("updateCard", card=card(due="2021-06-01T10:00:00.000Z"), old={"due": None}),
        ("card.updated", "card", CARD, {"due_at": None}, {"due_at": "2021-06-01T10:00:00+00:00"}),
    ),
    (
        action("updateCard", card=card(dueComplete=True), old={"dueComplete": False}),
        ("card.updated", "card", CARD, {"due_done": False}, {"due_done": True}),
    ),
    (
        action("updateCard", card=card(idMembers=[ANA, BEN]), old={"idMembers": [ANA]}),
        ("card.assigned", "card", CARD, {}, {"member_ids": [BEN]}),
    ),
    (
        action("updateCard", card=card(idLabels=["l2"]), old={"idLabels": ["l1"]}),
        ("card.updated", "card", CARD, {"labels": ["green"]}, {"labels": ["Urgent"]}),
    ),
    (
        action("updateCard", card=card(idLabels=[]), old={"idLabels": ["l2"]}),
        ("card.unlabeled", "card", CARD, {"labels": ["Urgent"]}, {}),
    ),
    (
        action("addMemberToCard", card=card(), idMember=BEN),
        ("card.assigned", "card", CARD, {}, {"member_ids": [BEN]}),
    ),
    (
        action("removeMemberFromCard", card=card(), member={"id": BEN}),
        ("card.unassigned", "card", CARD, {"member_ids": [BEN]}, {}),
    ),
    (
        action("addLabelToCard", card=card(), label={"id": "l1", "name": "", "color": "green"}),
        ("card.labeled", "card", CARD, {}, {"labels": ["green"]}),
    ),
    (
        action("removeLabelFromCard", card=card(), text="Urgent", value="red"),
        ("card.unlabeled", "card", CARD, {"labels": ["Urgent"]}, {}),
    ),
    (action("createList", list=column()), ("column.created", "column", TODO, {}, {"title": "To plant"})),
    (
        action("updateList", list=column(name="Later"), old={"name": "To plant"}),
        ("column.updated", "column", TODO, {"title": "To plant"}, {"title": "Later"}),
    ),
    (
        action("updateList", list=column(pos=9), old={"pos": 1}),
        ("column.reordered", "column", TODO, {"position": 1.0}, {"position": 9.0}),
    ),
    (
        action("updateList", list=column(closed=True), old={"closed": False}),
        ("column.archived", "column", TODO, {"archived": False}, {"archived": True}),
    ),
    (action("createBoard"), ("board.created", "board", BOARD, {}, {"title": "Garden"})),
    (
        action(
            "updateBoard",
            board={"id": BOARD, "prefs": {"background": "b"}},
            old={"prefs": {"background": "a"}},
        ),
        ("board.updated", "board", BOARD, {}, {}),
    ),
    (
        action("updateBoard", board={"id": BOARD, "name": "Garden"}, old={"name": "Yard"}),
        ("board.updated", "board", BOARD, {"title": "Yard"}, {"title": "Garden"}),
    ),
    (
        action("commentCard", card=card(), text="Wet soil"),
        ("comment.created", "comment", "60a000000000000000000001", {}, {"content": "Wet soil"}),
    ),
    (
        action(
            "updateComment", card=card(), action={"id": "m1", "text": "Dry soil"}, old={"text": "Wet soil"}
        ),
        ("comment.updated", "comment", "m1", {"content": "Wet soil"}, {"content": "Dry soil"}),
    ),
    (action("deleteComment", card=card(), action={"id": "m1"}), ("comment.deleted", "comment", "m1", {}, {})),
    (
        action("updateCheckItemStateOnCard", card=card(), checkItem=ITEM, checklist=SHED),
        (
            "checklist.checked",
            "checklist_item",
            "i1",
            {"done": False},
            {"text": "Dig", "checklist": "Shed", "done": True},
        ),
    ),
    (
        action(
            "updateCheckItemStateOnCard",
            card=card(),
            checkItem=ITEM | {"state": "incomplete"},
            checklist=SHED,
        ),
        (
            "checklist.unchecked",
            "checklist_item",
            "i1",
            {"done": True},
            {"text": "Dig", "checklist": "Shed", "done": False},
        ),
    ),
    (
        action("createCheckItem", card=card(), checkItem={"id": "i1", "name": "Dig"}, checklist=SHED),
        ("checklist.created", "checklist_item", "i1", {}, {"text": "Dig", "checklist": "Shed"}),
    ),
    (
        action(
            "updateCheckItem",
            card=card(),
            checkItem={"id": "i1", "name": "Dig"},
            checklist=SHED,
            old={"name": "Di"},
        ),
        ("checklist.updated", "checklist_item", "i1", {"text": "Di"}, {"text": "Dig", "checklist": "Shed"}),
    ),
    (
        action("deleteCheckItem", card=card(), checkItem={"id": "i1", "name": "Dig"}, checklist=SHED),
        ("checklist.deleted", "checklist_item", "i1", {"text": "Dig", "checklist": "Shed"}, {}),
    ),
    (
        action("addChecklistToCard", card=card(), checklist=SHED),
        ("checklist.created", "checklist_item", None, {}, {"checklist": "Shed"}),
    ),
    (
        action("updateChecklist", checklist=SHED, old={"name": "Barn"}),
        ("checklist.updated", "checklist_item", None, {"checklist": "Barn"}, {"checklist": "Shed"}),
    ),
    (
        action("removeChecklistFromCard", card=card(), checklist=SHED),
        ("checklist.deleted", "checklist_item", None, {"checklist": "Shed"}, {}),
    ),
    (
        action("convertToCardFromCheckItem", card=card(), list=column(), checkItem=ITEM),
        ("card.created", "card", CARD, {}, {"title": "Tulips", "human_id": "7", "column_id": TODO}),
    ),
    (
        action(
            "addAttachmentToCard",
            card=card(),
            attachment={"id": "f1", "name": "plan.pdf", "url": "https://e.org/p"},
        ),
        ("attachment.created", "attachment", "f1", {}, {"name": "plan.pdf", "url": "https://e.org/p"}),
    ),
    (
        action("deleteAttachmentFromCard", card=card(), attachment={"id": "f1", "name": "plan.pdf"}),
        ("attachment.deleted", "attachment", "f1", {"name": "plan.pdf"}, {}),
    ),
    (
        action(
            "addMemberToBoard",
            idMemberAdded=BEN,
            member={"id": BEN, "fullName": "Ben Okri", "username": "ben"},
        ),
        ("member.joined", "member", BEN, {}, {"name": "Ben Okri", "username": "ben"}),
    ),
    (
        action("removeMemberFromBoard", idMember=BEN, member={"id": BEN}),
        ("member.left", "member", BEN, {}, {}),
    ),
    (action("makeAdminOfBoard", idMember=BEN), ("member.updated", "member", BEN, {}, {})),
    (action("enablePlugin", plugin={"id": "p"}), ("unknown", "board", BOARD, {}, {})),
    (action("voteOnCard", card=card(), voted=True), ("unknown", "card", CARD, {}, {})),
    (action("updateCard", card={"name": "no id"}, old={"name": "x"}), ("unknown", "board", BOARD, {}, {})),
    (action("addMemberToCard", card=card()), ("unknown", "card", CARD, {}, {})),
    ({"id": "odd", "type": 7, "date": "never", "data": None}, ("unknown", "board", BOARD, {}, {})),
]


@pytest.mark.parametrize(
    ("told", "meant"), TABLE, ids=[f"{row[0]['type']}-{row[1][0]}-{n}" for n, row in enumerate(TABLE)]
)
def test_an_action_becomes_its_event(told, meant, now):
    (event,) = [event for event in batch(export([told]), now).events if not event.inferred]

    assert (event.action, event.entity_type, event.entity_id, event.before, event.after) == meant
    assert event.action in ACTIONS
    assert event.payload == told
    assert event.board_id == BOARD


def test_a_move_says_both_columns_and_a_creation_where_it_begins(now):
    told = export([
        action("createCard", 1, card=card(), list=column()),
        action("updateCard", 2, card=card(idList=DONE), old={"idList": TODO}, listBefore=column(), listAfter=column(DONE)),
    ])  # fmt: skip
    created, moved = batch(told, now).events

    assert (created.column_from, created.column_to) == (None, TODO)
    assert (moved.column_from, moved.column_to, moved.actor_id, moved.card_id) == (TODO, DONE, ANA, CARD)
