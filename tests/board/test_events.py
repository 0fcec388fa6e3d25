"""The stream of a board: what comes over it, from where, how fast, and how it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx_sse

from tests.board.conftest import Running, running

Begun = dict[str, Any]


@contextmanager
def stream(
    flux: Running, begun: Begun, last: int | None = None
) -> Iterator[Iterator[httpx_sse.ServerSentEvent]]:
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    path = f"/api/boards/{begun['board']['id']}/events"
    with httpx_sse.connect_sse(flux.http, "GET", path, headers=headers, timeout=10) as source:
        assert source.response.status_code == 200
        yield source.iter_sse()


def comment(flux: Running, begun: Begun, content: str) -> None:
    flux.ask("POST", f"/api/cards/{begun['card']['id']}/comments", 201, json={"content": content})


def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not fact():
        assert time.monotonic() < deadline, "it did not become true in 5 s"
        time.sleep(0.01)


def test_a_reader_that_comes_back_gets_everything_after_the_last_id_it_saw(
    flux: Running, begun: Begun
) -> None:
    with stream(flux, begun, last=2) as events:
        got = [next(events) for _ in range(3)]
    assert [(event.id, event.event) for event in got] == [(str(seq), "activity") for seq in (3, 4, 5)]
    assert [json.loads(event.data) for event in got] == flux.entries(begun["board"]["id"])[2:]


def test_a_reader_without_a_last_id_hears_what_happens_from_now_on(flux: Running, begun: Begun) -> None:
    with stream(flux, begun) as events:
        until(lambda: flux.streams() == 1)
        comment(flux, begun, "Is it hot?")
        entry = json.loads(next(events).data)
    assert (entry["seq"], entry["after"]["content"]) == (6, "Is it hot?")


def test_entries_come_gapless_and_soon_after_their_commit(flux: Running, begun: Begun) -> None:
    waits = []
    with stream(flux, begun, last=5) as events:
        for number in range(30):
            comment(flux, begun, f"{number}")
            answered = time.perf_counter()
            assert next(events).id == str(number + 6)
            waits.append(time.perf_counter() - answered)
    assert sorted(waits)[15] < 0.1


def test_a_reader_that_reads_nothing_does_not_hold_a_writer(flux: Running, begun: Begun) -> None:
    with stream(flux, begun, last=0):
        for _ in range(5):
            comment(flux, begun, "x" * 90_000)  # more than the socket's buffers hold
        patched = flux.ask("PATCH", "/api/cards", json={"cardId": begun["card"]["id"], "title": "Still here"})
    assert patched["card"]["title"] == "Still here"


def test_a_quiet_stream_is_kept_alive(tmp_path: Path) -> None:
    with running(tmp_path, keep_alive=0.05) as flux:
        board = flux.ask("POST", "/api/boards", 201, json={"title": "Quiet"})["board"]["id"]
        with flux.http.stream("GET", f"/api/boards/{board}/events", timeout=5) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            assert next(line for line in lines if "keep-alive" in line) == ": keep-alive"


def test_the_board_forgets_a_reader_that_has_gone(flux: Running, begun: Begun) -> None:
    with stream(flux, begun, last=0) as events:
        next(events)
        assert flux.streams() == 1
    until(lambda: flux.streams() == 0)


def test_open_streams_do_not_keep_the_board_from_stopping(flux: Running, begun: Begun) -> None:
    with stream(flux, begun, last=4) as events:
        next(events)
        started = time.monotonic()
        flux.stop()
        assert time.monotonic() - started < 2
        assert list(events) == []


def test_a_stream_asks_for_a_key_a_board_and_a_number(flux: Running, begun: Begun) -> None:
    path = f"/api/boards/{begun['board']['id']}/events"
    assert httpx.get(flux.url + path).status_code == 401
    flux.ask("GET", "/api/boards/none/events", 404)
    flux.ask("GET", path, 422, headers={"Last-Event-ID": "soon"})
