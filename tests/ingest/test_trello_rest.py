"""Trello over REST: every action once, in order, however the pages fall; the same events as an export and a webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.exports import ANA, BOARD, CARD, DONE, START, TODO, action, card, column, export
from wire.trello_site import TrelloSite

from ingest.sources import BoardGone, Delivery, HookRefused, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.trello import batch
from ingest.sources.trello_events import translate
from ingest.sources.trello_rest import connect, hear
from ingest.sync import import_file, pull
from warehouse.reading import Warehouse

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SECRET = "the secret of the key"
CALLBACK = "https://daybreak.example.org/hooks/trello"
CREATION = action("createCard", 1, card=card(), list=column())
MOVE = action(
    "updateCard", 2, card=card(idList=DONE), old={"idList": TODO}, listBefore=column(), listAfter=column(DONE)
)
RELABEL = action("updateCard", 3, card=card(idLabels=["l2"]), old={"idLabels": []})
BOARDS = "amirite cinerex-it490 clipkit foodgrindr-export1 foodgrindr-export2 needmoney securproject tellybox"


def clock() -> datetime:
    return NOW


def site(*actions: dict[str, Any], **fields: Any) -> TrelloSite:
    return TrelloSite({BOARD: export(list(actions), **fields)})


def read(source, after: str = "", board_id: str = BOARD) -> list[Any]:
    """Every event of a board after a position, as told."""
    return [event for page in source.activity(board_id, after, clock) for event in page.events]


def at_instants(milliseconds: list[int]) -> list[dict[str, Any]]:
    """One action at each of these milliseconds after the start; the ids do not follow the dates, as in real boards."""
    actions = []
    for number, millisecond in enumerate(milliseconds):
        at = START + timedelta(milliseconds=millisecond)
        scrambled = hashlib.sha256(str(number).encode()).hexdigest()[:16]
        made = action("voteOnCard", 0, card=card())
        actions.append(made | {"id": f"{int(at.timestamp()):08x}{scrambled}", "date": edge(at)})
    return actions


def edge(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ── pages ───────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 40).map(lambda tenths: tenths * 100), max_size=25),
    st.integers(2, 9),
    st.sampled_from(["millisecond", "second", "inclusive"]),
)
def test_whatever_the_page_every_action_is_told_once_or_the_gap_is_named(milliseconds, page, reading):
    told = site(*at_instants(milliseconds))
    told.reading = reading
    crowd = max(map(milliseconds.count, milliseconds), default=0)
    seconds = [each // 1000 for each in milliseconds]
    try:
        events = read(told.trello(page))
    except SourceChanged:
        assert (crowd if reading != "second" else max(map(seconds.count, seconds))) >= page
        return
    assert len(events) == len({event.event_id for event in events}) == len(milliseconds)
    assert [event.occurred_at for event in events] == sorted(event.occurred_at for event in events)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 400).map(lambda seconds: seconds * 1000), min_size=1, max_size=20, unique=True),
    st.data(),
)
def test_reading_in_any_stretches_tells_what_reading_in_one_go_does(milliseconds, data):
    actions = at_instants(sorted(milliseconds))
    page = data.draw(st.integers(2, 6), "page")
    whole = read(site(*actions).trello(page))
    growing, position, told = site(), "", []
    cuts = sorted(data.draw(st.lists(st.integers(0, len(actions)), max_size=4), "cuts"))
    for cut in [*cuts, len(actions)]:
        growing.boards[BOARD]["actions"] = actions[:cut]
        for stretch in growing.trello(page).activity(BOARD, position, clock):
            told += stretch.events
            position = stretch.position
            if data.draw(st.booleans(), "killed after this page"):
                break
    told += read(growing.trello(page), position)
    assert told == whole


def test_a_page_that_fits_exactly_is_the_whole_log():
    told = site(*at_instants([second * 1000 for second in range(12)]))
    assert len(read(told.trello(6))) == len(read(told.trello(12))) == 12


def test_an_action_that_appears_late_is_told_and_the_others_are_not_told_again():
    early, late, newest = at_instants([0, 20_000, 40_000])
    told = site(early, newest)
    *_, page = told.trello().activity(BOARD, "", clock)
    told.boards[BOARD]["actions"] += [late]
    assert [event.event_id for event in read(told.trello(), page.position)] == [late["id"]]


def test_nothing_new_is_one_request_and_no_page():
    told = site(CREATION, MOVE)
    *_, page = told.trello().activity(BOARD, "", clock)
    told.asked.clear()
    assert list(told.trello().activity(BOARD, page.position, clock)) == []
    assert len(told.asked) == 1


def test_a_long_log_is_walked_back_by_dates_alone_and_told_oldest_first():
    told = site(*at_instants([second * 1000 for second in range(30)]))
    pages = list(told.trello(5).activity(BOARD, "", clock))
    whole = [url for url in told.asked if "fields" not in dict(url.params)]
    assert len(whole) == len(pages) > 5
    assert [url.params["fields"] for url in told.asked if url not in whole] == ["date"] * (len(pages) - 1)


def test_a_position_that_is_none_of_ours_reads_from_the_beginning():
    assert len(read(site(CREATION, MOVE).trello(), "what is this?")) == 2


def test_an_action_from_a_far_future_does_not_move_the_position_there():
    told = site(CREATION, MOVE | {"date": "2999-01-01T00:00:00.000Z"})
    *_, page = told.trello().activity(BOARD, "", clock)
    told.boards[BOARD]["actions"] += [RELABEL]
    assert RELABEL["id"] in {event.event_id for event in read(told.trello(), page.position)}


# ── the same facts as an export ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", BOARDS.split())
@pytest.mark.parametrize("page", [37, 1000])
def test_a_real_board_over_rest_tells_what_its_export_tells(name, page, real_boards):
    told = json.loads((real_boards / f"trello-{name}.json").read_text())
    served = TrelloSite({told["id"]: told}).trello(page)
    whole = batch(told, NOW)
    assert read(served, board_id=told["id"]) == list(whole.events)
    shown, exported = (
        {(each.entity_type, each.entity_id): dict(each.fields) for each in seen.entities}
        for seen in (served.snapshot(told["id"], clock), whole.snapshot)
    )
    for (kind, thing), fields in shown.items():
        known = exported.pop((kind, thing))
        assert fields == {key: value for key, value in known.items() if key != "created_by" or key in fields}
    assert {kind for kind, _ in exported} <= {"member"}  # who has left: told with their actions instead


@pytest.mark.parametrize("first", ["export", "rest"])
def test_an_export_and_rest_of_one_board_tell_nothing_twice(first, home, tmp_path):
    told = export([CREATION, MOVE, RELABEL])
    path = tmp_path / "board.json"
    path.write_text(json.dumps(told))
    ways = [
        lambda: import_file(home, path, NOW),
        lambda: pull(home, TrelloSite({BOARD: told}).trello(), clock=clock)[0],
    ]
    one, other = (way() for way in (ways if first == "export" else ways[::-1]))
    assert (one.new, other.new) == (3, 0)
    with Warehouse.open(home) as warehouse:
        assert warehouse.cards().row(0, named=True)["labels"] == ["Urgent"]


def test_people_who_left_are_told_with_what_they_did():
    gone = {"id": "m9", "fullName": "Gone Away", "username": "gone"}
    told = site(CREATION | {"memberCreator": gone, "idMemberCreator": "m9"})
    (page,) = told.trello().activity(BOARD, "", clock)
    assert {each.entity_id: each.fields["name"] for each in page.people} == {"m9": "Gone Away"}


def test_labels_have_the_texts_the_board_gives_them():
    (event,) = read(site(RELABEL).trello())
    assert (event.action, event.after) == ("card.labeled", {"labels": ["Urgent"]})


def test_a_board_of_many_cards_is_shown_whole():
    cards = [card(idList=TODO) | {"id": f"60a0{number:04x}{'0' * 14}c1"} for number in range(25)]
    shown = site(cards=cards).trello(4).snapshot(BOARD, clock)
    assert sorted(each.entity_id for each in shown.entities if each.entity_type == "card") == [
        each["id"] for each in cards
    ]


# ── settings, refusals, limits ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "TRELLO_KEY is not set"),
        ({"TRELLO_KEY": "k"}, "TRELLO_TOKEN is not set"),
        (
            {"TRELLO_KEY": "k", "TRELLO_TOKEN": "t", "TRELLO_BOARDS": "abc/def"},
            "TRELLO_BOARDS names 'abc/def'",
        ),
        ({"TRELLO_KEY": "k", "TRELLO_TOKEN": "t", "TRELLO_BASE_URL": "trello"}, "TRELLO_BASE_URL"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(settings, why):
    with pytest.raises(SourceRefused, match=why):
        connect(settings)


def test_the_boards_asked_for_are_read_and_one_that_is_gone_keeps_its_place():
    told = site(CREATION)
    assert [each.title for each in told.trello(board_ids=[BOARD, "gonegone"]).boards()] == ["Garden", ""]
    assert [each.board_id for each in told.trello().boards()] == [BOARD]


def test_a_board_the_token_has_lost_is_gone_and_a_token_that_is_refused_is_refused():
    told = site(CREATION)
    told.lost.add(BOARD)
    with pytest.raises(BoardGone):
        told.trello().snapshot(BOARD, clock)
    told.refusals = [httpx.Response(401, text="invalid token")] * 2
    with pytest.raises(SourceRefused, match="TRELLO_KEY and TRELLO_TOKEN"):
        told.trello().snapshot(BOARD, clock)


def test_too_many_requests_are_waited_out():
    told = site(CREATION)
    limit = {"error": "API_TOKEN_LIMIT_EXCEEDED", "message": "Rate limit exceeded"}
    told.refusals = [httpx.Response(429, json=limit), httpx.Response(429, headers={"Retry-After": "0"})]
    assert len(read(told.trello())) == 1
    told.refusals = [httpx.Response(429, json=limit) for _ in range(4)]
    with pytest.raises(SourceUnavailable, match="API_TOKEN_LIMIT_EXCEEDED"):
        read(told.trello())


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, text="invalid key"),
        httpx.Response(500, text="oops"),
        httpx.Response(200, text="<html>", headers={"content-type": "text/html"}),
        httpx.Response(200, json={"actions": []}),
        httpx.Response(400, text="invalid id"),
    ],
)
def test_no_message_shows_key_or_token(answer):
    told = site(CREATION)
    told.refusals = [answer] * 4
    with pytest.raises((SourceRefused, SourceUnavailable, SourceChanged)) as failed:
        read(told.trello())
    assert "key-k" not in str(failed.value)
    assert "token-t" not in str(failed.value)
    assert "key-k" in told.headers[0]["authorization"]
    assert not any("key-k" in str(url) for url in told.asked)


# ── bad payloads ────────────────────────────────────────────────────────────────────────────────

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(CARD),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from("id type data card list old date member text label".split()), inner, max_size=5
        )
    ),
    max_leaves=12,
)
KINDS = st.sampled_from("updateCard createCard commentCard addMemberToCard updateCheckItem nonsense".split())


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from("id data date member memberCreator idMemberCreator".split()), JSON), KINDS
)
def test_no_action_whatever_it_holds_is_lost(told, kind):
    event = translate(told | {"type": kind}, NOW, board_id=BOARD)
    assert event.payload == told | {"type": kind} or "nan" in str(told)
    assert event == translate(told | {"type": kind}, NOW, board_id=BOARD) or "nan" in str(told)


def test_an_action_without_an_instant_has_the_same_one_whenever_it_is_told():
    first, again = (translate({"type": "x"}, at, board_id=BOARD) for at in (NOW, NOW + timedelta(days=1)))
    assert (first.occurred_at, first.event_id) == (again.occurred_at, again.event_id)


def test_bad_actions_are_kept_as_unknown_and_the_rest_is_read(home):
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    bad = [
        action("updateCard", 4) | {"data": None},
        action("createCard", 5) | {"data": {"card": "no object"}},
        action("fromAnotherYear", 6, anything=deep),
        action("commentCard", 7, card=card(id=7), text="x" * 1_000_000),
        action("updateCard", 8) | {"data": {"old": [], "card": {"id": None}}},
    ]
    told = site(CREATION, MOVE, MOVE, *bad)
    (summary,) = pull(home, told.trello(), clock=clock)
    assert summary.new == 7
    with Warehouse.open(home) as warehouse:
        kept = warehouse.frame("select event_id from events where action = 'unknown'")["event_id"]
    assert {each["id"] for each in bad} - set(kept) == {bad[3]["id"]}
    assert pull(home, told.trello(), clock=clock)[0].new == 0


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────


def delivery(told: object, *, secret: str = SECRET, address: str = CALLBACK, **headers: str) -> Delivery:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    signed = hmac.new(secret.encode(), body + address.encode(), hashlib.sha1).digest()
    kept = {"host": "daybreak.example.org", "x-trello-webhook": base64.b64encode(signed).decode()}
    return Delivery(
        "/hooks/trello", {}, kept | {key.replace("_", "-"): value for key, value in headers.items()}, body
    )


def posted(told: dict[str, Any]) -> dict[str, Any]:
    """An action as Trello posts it: with the board beside it and what REST leaves out unless asked."""
    return {
        "action": told | {"display": {"translationKey": "x"}, "limits": {}},
        "model": {"id": BOARD, "name": "Garden"},
    }


def test_a_webhook_tells_what_reading_the_board_tells():
    told = site(CREATION, MOVE)
    for pulled, single in zip(read(told.trello()), (CREATION, MOVE), strict=True):
        heard = hear(delivery(posted(single)), SECRET, NOW)
        assert [replace(event, payload=pulled.payload) for event in heard.events] == [pulled]
        assert heard.people[0].entity_id == ANA


def test_a_webhook_and_reading_the_board_make_one_event(home):
    from warehouse.log import Log
    from warehouse.model import Batch

    with Log.open(home) as log:
        log.append(Batch(hear(delivery(posted(MOVE)), SECRET, NOW).events))
    assert pull(home, site(CREATION, MOVE).trello(), clock=clock)[0].new == 1


def test_an_action_that_names_labels_by_id_only_rings():
    heard = hear(delivery(posted(RELABEL)), SECRET, NOW)
    assert (heard.events, heard.rings) == ((), (BOARD,))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8600", "x_forwarded_host": "daybreak.example.org", "x_forwarded_proto": "https"},
        {"host": "daybreak.example.org", "x_forwarded_proto": "https,http"},
    ],
)
def test_the_signed_address_is_found_behind_a_proxy(headers):
    assert hear(delivery(posted(MOVE), **headers), SECRET, NOW).events


def test_the_address_the_receiver_knows_itself_by_is_the_one_signed():
    address = "https://proxy.example.org/daybreak/hooks/trello?team=1"
    assert hear(replace(delivery(posted(MOVE), address=address), url=address), SECRET, NOW).events


@pytest.mark.parametrize(
    ("bad", "secret", "why"),
    [
        (delivery(posted(MOVE), secret="another"), SECRET, "must be the same"),
        (
            delivery(posted(MOVE), address="https://elsewhere.example.org/hooks/trello"),
            SECRET,
            "must be the same",
        ),
        (replace(delivery(posted(MOVE)), body=b"{}"), SECRET, "must be the same"),
        (delivery(posted(MOVE), x_trello_webhook=""), SECRET, "is missing"),
        (delivery(posted(MOVE), x_trello_webhook="ü\udc80"), SECRET, "must be the same"),
        (delivery(posted(MOVE)), None, "TRELLO_SECRET is not set"),
    ],
)
def test_a_delivery_that_is_not_trellos_is_refused(bad, secret, why):
    with pytest.raises(HookRefused, match=why):
        hear(bad, secret, NOW)


@pytest.mark.parametrize(
    "told", [b"", b"nonsense", [], {}, {"action": None}, {"action": {"data": {"board": []}}}]
)
def test_a_signed_delivery_that_says_nothing_is_answered_and_tells_nothing(told):
    heard = hear(delivery(told), SECRET, NOW)
    assert (heard.events, heard.rings) == ((), ())
