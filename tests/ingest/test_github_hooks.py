"""What GitHub's webhooks tell: the recorded ones never stumble, and each either tells what the lists tell or rings."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from wire.github_site import ADA, REPO, GitHubSite, delivery

from ingest.sources import Delivery, HookRefused
from ingest.sources.github import hear
from ingest.sources.github_events import commented, opened
from ingest.sources.hearing import signature

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ABOUT_BOARDS = {
    "issues",
    "issue_comment",
    "label",
    "milestone",
    "pull_request",
    "repository",
    "projects_v2_item",
}


def test_a_delivery_must_be_signed_with_our_secret():
    body = delivery("issues", {"repository": {"id": REPO}}).body
    for told in ("", "sha256=00", "sha1=" + signature(body, "secret", "sha1").hex()):
        headers = {"x-github-event": "issues", "x-hub-signature-256": told}
        with pytest.raises(HookRefused, match="X-Hub-Signature-256"):
            hear(Delivery("/", {}, headers, body), "secret", NOW)
    signed = "sha256=" + signature(body, "secret", "sha256").hex()
    heard = hear(
        Delivery("/", {}, {"x-github-event": "issues", "x-hub-signature-256": signed}, body), "secret", NOW
    )
    assert heard.rings == (str(REPO),)


def test_new_issues_and_comments_are_told_everything_else_rings():
    site = GitHubSite()
    number = site.open()
    comment_id = site.comment(number, "Frist")
    site.edit_comment(number, comment_id, "First")
    site.close(number)
    site.delete_comment(number, comment_id)
    heard = [hear(each, None, NOW) for each in site.hooks]
    assert [[event.action for event in each.events] for each in heard] == [
        ["card.created"], ["comment.created"], ["comment.created", "comment.updated"], [], [],
    ]  # fmt: skip
    assert [each.rings for each in heard[-2:]] == [(str(REPO),)] * 2
    assert heard[2].events[0].after == {"content": "Frist"}
    assert {who.fields["name"] for each in heard for who in each.people} >= {"ada", "ben"}


def test_pull_requests_only_ring():
    site = GitHubSite()
    site.comment(site.open(pull=True), "Looks good")
    assert [(each.events, each.rings) for each in (hear(told, None, NOW) for told in site.hooks)] == [
        ((), (str(REPO),))
    ] * 2


def test_projects_ring_by_the_id_they_are_read_by():
    item = {"projects_v2_item": {"node_id": "PVTI_1", "project_node_id": "PVT_1"}}
    assert hear(delivery("projects_v2_item", item), None, NOW).rings == ("PVT_1",)
    assert hear(delivery("projects_v2", {"projects_v2": {"node_id": "PVT_1"}}), None, NOW).rings == ("PVT_1",)


@pytest.mark.parametrize(
    "told", [{}, [], None, {"repository": None}, {"issue": 5, "repository": {"id": REPO}, "action": []}]
)
@pytest.mark.parametrize("kind", ["issues", "issue_comment", "projects_v2_item", "ping", "something_new", ""])
def test_a_delivery_that_lacks_what_its_kind_has_is_survived(kind, told):
    heard = hear(delivery(kind, told), None, NOW)
    assert heard.events == ()


def test_an_opened_issue_without_an_instant_rings_since_no_list_would_tell_it_so():
    told = {"action": "opened", "issue": {"id": 1, "number": 1, "user": ADA}, "repository": {"id": REPO}}
    heard = hear(delivery("issues", told), None, NOW)
    assert (heard.events, heard.rings) == ((), (str(REPO),))


def test_every_recorded_payload_is_heard(real_boards):
    kinds = json.loads((real_boards / "github-webhooks-api.github.com.json").read_text())
    told = [(kind["name"], example) for kind in kinds for example in kind["examples"]]
    assert (len(kinds), len(told)) == (58, 329)
    for kind, example in told:
        heard = hear(delivery(kind, example), None, NOW)
        if kind in ABOUT_BOARDS and (example.get("repository") or kind == "projects_v2_item"):
            assert heard.events or heard.rings, (kind, example.get("action"))
        else:
            assert (heard.events, heard.rings) == ((), ()), kind


def test_recorded_issues_and_comments_are_the_facts_that_the_lists_tell(real_boards):
    """The issue and the comment in a delivery are the objects the lists give: read as those, they are the same events."""
    kinds = {
        kind["name"]: kind["examples"]
        for kind in json.loads((real_boards / "github-webhooks-api.github.com.json").read_text())
    }
    compared = 0
    for kind in ("issues", "issue_comment"):
        for example in kinds[kind]:
            board_id = str(example["repository"]["id"])
            heard = hear(delivery(kind, example), None, NOW).events
            listed = (
                [opened(example["issue"], NOW, board_id=board_id)]
                if kind == "issues"
                else commented(example["comment"], NOW, board_id=board_id)
            )
            facts = {event.event_id: (event.occurred_at, event.card_id, event.entity_id) for event in listed}
            for event in heard:
                assert facts[event.event_id] == (event.occurred_at, event.card_id, event.entity_id)
                compared += 1
    assert compared >= 5
