"""What the entries of a Kanboard activity and its webhooks say, in our words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.kanboard_site import BOARD, NOW, entry, task

from ingest.sources import Delivery, HookRefused
from ingest.sources.kanboard import hear, translate

SPADE = {"id": 4, "title": "Spade", "status": 0, "position": 1}
HELLO = {"id": 9, "comment": "hello", "user_id": 5}
SAID = {"content": "hello", "member_id": "5"}
ITEM = {"text": "Spade", "position": 1.0, "done": False, "card_id": "7"}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
KINDS = (
    *("task.create", "task.update", "task.assignee_change", "task.move.column", "task.move.project", "task.move.position"),
    *("task.close", "task.open", "comment.create", "subtask.create", "subtask.update", "subtask.delete", "task.file.create"),
)  # fmt: skip


def delivery(body: bytes, token: str = "secret") -> Delivery:
    return Delivery(path="/hooks/kanboard", query={"token": token}, headers={}, body=body)


@pytest.mark.parametrize(
    ("kind", "told", "said"),
    [
        ("task.create", {}, ("card.created", "7", {}, {"title": "Dig", "column_id": "3", "position": 1.0, "archived": False, "deleted": False})),
        ("task.update", {"changes": {"title": "Dig!", "date_due": 0}}, ("card.updated", "7", {}, {"title": "Dig!", "due_at": None})),
        ("task.update", {"changes": {"owner_id": "6"}}, ("card.updated", "7", {}, {"member_ids": ["6"]})),
        ("task.update", {"changes": []}, ("card.updated", "7", {}, {})),
        ("task.assignee_change", {"task": task(owner_id=6)}, ("card.assigned", "7", {}, {"member_ids": ["6"]})),
        ("task.assignee_change", {}, ("card.unassigned", "7", {}, {})),
        ("task.move.column", {"src_column_id": "3", "dst_column_id": 4}, ("card.moved", "7", {"column_id": "3"}, {"column_id": "4", "position": 1.0})),
        ("task.move.column", {}, ("unknown", "7", {}, {})),
        ("task.move.project", {}, ("card.moved", "7", {}, {"title": "Dig", "column_id": "3", "position": 1.0, "archived": False})),
        ("task.move.position", {}, ("card.reordered", "7", {}, {"position": 1.0})),
        ("task.move.swimlane", {}, ("card.reordered", "7", {}, {"position": 1.0})),
        ("task.close", {}, ("card.archived", "7", {"archived": False}, {"archived": True})),
        ("task.open", {}, ("card.unarchived", "7", {"archived": True}, {"archived": False})),
        ("comment.create", {"comment": HELLO}, ("comment.created", "9", {}, SAID | {"deleted": False})),
        ("comment.update", {"comment": HELLO}, ("comment.updated", "9", {}, SAID)),
        ("comment.delete", {"comment": HELLO}, ("comment.deleted", "9", SAID, {})),
        ("comment.create", {}, ("unknown", "7", {}, {})),
        ("subtask.create", {"subtask": SPADE}, ("checklist.created", "4", {}, ITEM | {"deleted": False})),
        ("subtask.delete", {"subtask": SPADE}, ("checklist.deleted", "4", ITEM, {})),
        ("task.file.create", {"file": {"id": 2, "name": "map"}}, ("attachment.created", "2", {}, {"name": "map"})),
        ("task.file.destroy", {"file": {"id": 2, "name": "map"}}, ("attachment.deleted", "2", {"name": "map"}, {})),
        ("task_internal_link.create_update", {}, ("unknown", "7", {}, {})),
    ],
)  # fmt: skip
def test_each_kind_of_entry_has_its_word_and_what_lacks_something_is_unknown(kind, told, said):
    event = translate(entry(1, kind, **told), NOW, board_id=BOARD)
    assert (event.action, event.entity_id, event.before, event.after) == said
    assert (event.card_id, event.actor_id, event.event_id) == ("7", "5", "1")


def test_a_new_card_says_where_it_is_found_as_the_project_shows_it():
    after = translate(entry(1), NOW, board_id=BOARD, base_url="http://k").after
    assert (after["human_id"], after["url"]) == (
        "#7",
        "http://k/?controller=TaskViewController&action=show&task_id=7",
    )


def test_a_moved_card_says_from_which_column_to_which():
    event = translate(entry(1, "task.move.column", src_column_id=3, dst_column_id=4), NOW, board_id=BOARD)
    assert (event.column_from, event.column_to) == ("3", "4")


def test_earlier_entries_say_what_a_later_one_leaves_out():
    memory = {}
    first = entry(1, task=task(owner_id=5), subtask=SPADE)
    after = [
        first,
        entry(2, "task.assignee_change", task=task(owner_id=6)),
        entry(3, "task.assignee_change", task=task(owner_id=0)),
        entry(4, "task.update", task=task(title="Dig!"), changes={"title": "Dig!"}),
        entry(5, "subtask.update", subtask={**SPADE, "status": 2}, changes=[]),
        entry(6, "subtask.update", subtask={**SPADE, "status": 2, "title": "Fork"}, changes=[]),
        entry(7, "subtask.update", subtask={**SPADE, "status": 1, "title": "Fork"}, changes=[]),
    ]
    events = [translate(each, NOW, board_id=BOARD, memory=memory) for each in after]
    assert [(event.action, dict(event.before)) for event in events[1:]] == [
        ("card.assigned", {"member_ids": ["5"]}),
        ("card.unassigned", {"member_ids": ["6"]}),
        ("card.updated", {"title": "Dig"}),
        ("checklist.checked", {"done": False}),
        ("checklist.updated", {"text": "Spade"}),
        ("checklist.unchecked", {"done": True}),
    ]


@given(
    st.sampled_from(KINDS) | anything,
    st.dictionaries(st.sampled_from(["id", "task", "changes", "comment", "subtask", "file", "task_id", "date_creation", "dst_column_id"]) | st.text(), anything),
)  # fmt: skip
def test_no_json_object_is_too_strange_to_be_kept(kind, told):
    event = translate({**told, "event_name": kind}, NOW, board_id=BOARD)
    assert event.payload["event_name"] == kind


def test_what_kanboard_renders_and_whom_it_writes_to_is_not_kept():
    kept = translate(entry(1, comment={**HELLO, "email": "ana@example.org"}), NOW, board_id=BOARD).payload
    assert not {"event_content", "event_title", "email"} & set(kept)
    assert "@" not in repr(kept)


def test_every_recorded_webhook_rings_for_its_project_and_tells_no_fact(real_boards):
    for line in (real_boards / "webhooks-kanboard-amirite.jsonl").read_text().splitlines():
        told = json.loads(line)
        heard = hear(delivery(told["body"].encode(), "LOCAL"), "LOCAL", NOW)
        assert (heard.events, heard.rings) == ((), ("2",))
        assert told["path"] == "/kanboard?token=LOCAL"


@pytest.mark.parametrize("token", ["", "another", "secretsecret", "sécret"])
def test_a_webhook_without_our_token_is_refused(token):
    with pytest.raises(HookRefused):
        hear(delivery(b"{}", token), "secret", NOW)


@given(
    st.binary()
    | st.dictionaries(st.sampled_from(["event_name", "event_data"]), anything).map(
        lambda told: json.dumps(told).encode()
    )
)
def test_no_body_is_too_strange_to_be_heard(body):
    assert hear(delivery(body), "secret", NOW).events == ()
