"""What PLANKA's actions and webhooks say, in our words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.planka_site import ANA, ARCHIVE, BOARD, DONE, NOW, TODO, TRASH, action, creation, move, number

from ingest.sources import Delivery, HookRefused
from ingest.sources.planka import hear, translate
from ingest.sources.planka_fields import made_at, place, place_at

CARD = number(900)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
KINDS = (
    "createCard",
    "moveCard",
    "addMemberToCard",
    "removeMemberFromCard",
    "completeTask",
    "uncompleteTask",
)


def delivery(body: bytes, token: str = "secret") -> Delivery:
    return Delivery(path="/hooks/planka", query={}, headers={"authorization": f"Bearer {token}"}, body=body)


@pytest.mark.parametrize(
    ("left", "reached", "said"),
    [
        (TODO, DONE, ("card.moved", {"column_id": TODO}, {"column_id": DONE}, TODO, DONE)),
        (TODO, ARCHIVE, ("card.archived", {"archived": False}, {"archived": True}, None, None)),
        (ARCHIVE, DONE, ("card.unarchived", {"archived": True}, {"archived": False, "column_id": DONE}, None, DONE)),
        (TODO, TRASH, ("card.deleted", {}, {}, None, None)),
        (ARCHIVE, TRASH, ("card.deleted", {}, {}, None, None)),
        (TRASH, TODO, ("card.restored", {}, {"archived": False, "column_id": TODO}, None, TODO)),
        (TRASH, ARCHIVE, ("card.restored", {}, {"archived": True}, None, None)),
    ],
)  # fmt: skip
def test_the_archive_and_the_trash_are_states_and_no_columns(left, reached, said):
    event = translate(move(1, CARD, left, reached), NOW, board_id=BOARD)
    assert (event.action, event.before, event.after, event.column_from, event.column_to) == said
    assert (event.card_id, event.actor_id, event.event_id) == (CARD, ANA, number(1))


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("addMemberToCard", {"user": {"id": "9"}}, ("card.assigned", CARD, {}, {"member_ids": ["9"]})),
        ("removeMemberFromCard", {"user": {"id": "9"}}, ("card.unassigned", CARD, {"member_ids": ["9"]}, {})),
        ("completeTask", {"task": {"id": "8", "name": "Spade"}}, ("checklist.checked", "8", {"done": False}, {"text": "Spade", "done": True})),
        ("uncompleteTask", {"task": {"id": "8"}}, ("checklist.unchecked", "8", {"done": True}, {"done": False})),
        ("addMemberToCard", {}, ("unknown", CARD, {}, {})),
        ("completeTask", {"task": 3}, ("unknown", CARD, {}, {})),
        ("moveCard", {"toList": {"id": TODO}}, ("unknown", CARD, {}, {})),
        ("paintCard", {}, ("unknown", CARD, {}, {})),
    ],
)  # fmt: skip
def test_each_kind_of_action_has_its_word_and_what_lacks_something_is_unknown(kind, data, said):
    told = action(kind, 1, CARD, **data)
    event = translate(told, NOW, board_id=BOARD)
    assert (event.action, event.entity_id, event.before, event.after) == said
    assert event.payload == told


@given(
    st.dictionaries(
        st.sampled_from(["id", "type", "data", "cardId", "userId", "createdAt"]) | st.text(), anything
    )
)
def test_no_json_object_is_too_strange_to_be_kept(told):
    assert translate(told, NOW, board_id=BOARD).payload == told


@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(["card", "list", "fromList", "toList", "user", "task"]), anything),
)
def test_no_action_is_too_strange_to_be_kept(kind, data):
    told = {**creation(1, CARD), "type": kind, "data": data}
    event = translate(told, NOW, board_id=BOARD)
    assert (event.event_id, event.payload) == (number(1), told)


@given(st.integers(0, 5 * 10**11).map(lambda milliseconds: number(milliseconds, milliseconds=1)))
def test_an_id_tells_its_instant_and_an_instant_its_first_id(planka_id):
    at = made_at(planka_id)
    assert at is not None
    assert place_at(at) <= place(planka_id) < place_at(at) + (1 << 23)


def test_the_same_action_is_the_same_fact_in_the_log_and_in_a_webhook(real_boards):
    logged = json.loads((real_boards / "planka-board-foodgrindr.json").read_text())["actions"]
    lines = (real_boards / "webhooks-planka-foodgrindr.jsonl").read_text().splitlines()
    rung = [
        body["data"]["item"]
        for line in lines
        if (body := json.loads(json.loads(line)["body"]))["event"] == "actionCreate"
    ]
    assert sorted(rung, key=lambda each: each["id"]) == sorted(logged, key=lambda each: each["id"])
    assert all(translate(each, NOW, board_id=BOARD).action != "unknown" for each in rung)


def test_every_recorded_webhook_rings_for_its_board_and_nothing_of_it_is_kept(real_boards):
    board = json.loads((real_boards / "planka-board-foodgrindr.json").read_text())["board"]["item"]["id"]
    silent = set()
    for line in (real_boards / "webhooks-planka-foodgrindr.jsonl").read_text().splitlines():
        told = json.loads(line)
        heard = hear(delivery(told["body"].encode(), "LOCAL"), "LOCAL", NOW)
        assert not heard.events
        assert not heard.people
        if heard.rings != (board,):
            assert not heard.rings
            silent.add(json.loads(told["body"])["event"])
    assert silent == {"notificationCreate", "userCreate", "projectCreate"}


@pytest.mark.parametrize("token", ["", "another", "secretsecret", "sécret"])
def test_a_webhook_without_our_token_is_refused(token):
    with pytest.raises(HookRefused):
        hear(delivery(b'{"event": "cardCreate"}', token), "secret", NOW)


def test_a_card_that_goes_to_another_board_rings_for_both():
    sides = {"data": {"item": {"boardId": "502"}}, "prevData": {"item": {"boardId": "501"}}}
    body = json.dumps({"event": "cardUpdate", **sides}).encode()
    assert hear(delivery(body), "secret", NOW).rings == ("502", "501")


@given(
    st.binary()
    | st.dictionaries(st.sampled_from(["event", "data", "prevData"]), anything).map(
        lambda told: json.dumps(told).encode()
    )
)
def test_no_body_is_too_strange_to_be_heard(body):
    assert hear(delivery(body), "secret", NOW).events == ()
