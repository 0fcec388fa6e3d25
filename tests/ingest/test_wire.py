"""How a source is asked: politely, and not twice for what has not changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from ingest.sources import SourceChanged, SourceUnavailable
from ingest.sources.manners import Manners, Memory
from ingest.sources.wire import Door, Wire

DOOR = Door("Shop", "SHOP_URL", "SHOP_KEY")


def wire(answer: Callable[[httpx.Request], httpx.Response], **options) -> Wire:
    return Wire(
        "http://shop.test", headers={"Authorization": "Bearer k"}, door=DOOR,
        transport=httpx.MockTransport(answer), first_wait=timedelta(), **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "asked_back"),
    [
        ({"etag": '"1"'}, "if-none-match"),
        ({"last-modified": "Mon, 02 Mar 2026 10:00:00 GMT"}, "if-modified-since"),
    ],
)
def test_what_has_not_changed_is_not_sent_again(given, asked_back):
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers.get(asked_back) in given.values():
            return httpx.Response(304)
        return httpx.Response(200, json={"page": request.url.params["page"]}, headers=given)

    shop = wire(answer)
    first, again, other = (shop.get("/things", {"page": page}) for page in ("1", "1", "2"))
    assert (first.told, again.told, other.told) == ({"page": "1"}, {"page": "1"}, {"page": "2"})
    assert (first.is_same, again.is_same, other.is_same) == (False, True, False)


def test_an_answer_that_nobody_asked_for_again_is_no_answer():
    with pytest.raises(SourceChanged, match="304"):
        wire(lambda _: httpx.Response(304)).get("/things")


def test_few_and_small_answers_are_remembered():
    memory = Memory()
    for number in range(100):
        memory.keep(f"q{number}", b"x" * 1_000_000, {"etag": str(number)})
    assert sum(memory.recall(f"q{number}") is not None for number in range(100)) == 16
    assert memory.recall("q99") is not None


def test_one_request_at_a_time():
    inside, most = [], []

    def answer(_: httpx.Request) -> httpx.Response:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return httpx.Response(200, json={})

    shop = wire(answer)
    threads = [threading.Thread(target=shop.get, args=("/things",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5


def test_too_much_halves_the_pace_and_it_recovers():
    manners = Manners(timedelta(seconds=0.2), threading.Event())
    paces = []
    for _ in range(3):
        manners.too_much()
        paces.append(manners.pace)
    assert paces == [0.4, 0.8, 1.6]
    for _ in range(50):
        manners.went_well()
    assert manners.pace == 0.2


def test_while_a_source_rests_nobody_asks_it():
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429, headers={"retry-after": "3600"})

    shop = wire(answer)
    for _ in range(3):
        with pytest.raises(SourceUnavailable) as raised:
            shop.get("/things")
        assert raised.value.retry_after > timedelta(minutes=59)
    assert len(asked) == 1


def test_a_wait_ends_when_the_source_is_closed():
    began = threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        began.set()
        return httpx.Response(503, headers={"retry-after": "29"})

    shop, ended = wire(answer), threading.Event()

    def ask() -> None:
        with pytest.raises(SourceUnavailable):
            shop.get("/things")
        ended.set()

    thread = threading.Thread(target=ask)
    thread.start()
    began.wait(5)
    shop.close()
    thread.join(5)
    assert ended.is_set()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"a": "caf\xe9"}', {"a": "caf\ufffd"}),
        (b'{"a": NaN}', {"a": None}),
        (b'\xef\xbb\xbf[1]', [1]),
    ],
)  # fmt: skip
def test_json_is_read_as_it_is_met(body, told):
    assert wire(lambda _: httpx.Response(200, content=body)).get("/things").told == told


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'"text"'])
def test_what_is_no_json_object_or_list_is_kept_for_a_person(body):
    with pytest.raises(SourceChanged, match="SHOP_URL") as raised:
        wire(lambda _: httpx.Response(200, content=body)).get("/things")
    assert raised.value.payload == body


def test_keys_are_never_shown():
    shop = wire(lambda _: httpx.Response(500, text="oops"), params={"key": "s3cret"}, attempts=1)
    with pytest.raises(SourceUnavailable) as raised:
        shop.get("/things")
    assert "s3cret" not in str(raised.value)
