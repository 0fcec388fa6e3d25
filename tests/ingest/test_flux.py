"""What each way a Flux can fail means for the caller; a Flux of our own at the port answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from ingest.sources import BoardGone, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.flux import Flux

pytestmark = pytest.mark.filterwarnings("error")
ENTRY = {
    "seq": 1,
    "id": "e-1",
    "action": "card.created",
    "entityType": "card",
    "entityId": "c-1",
    "after": {"title": "x"},
}


def flux(
    *answers: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response],
    asked: list[httpx.Request] | None = None,
) -> Flux:
    """A reader of a Flux that gives these answers in turn, the last one for good."""
    left, kept = list(answers), asked if asked is not None else []

    def answer(request: httpx.Request) -> httpx.Response:
        kept.append(request)
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            raise given
        return given(request) if callable(given) else given

    return Flux(
        "http://flux.test",
        "flux_k",
        transport=httpx.MockTransport(answer),
        attempts=3,
        first_wait=timedelta(),
    )


def boards(*titles: str) -> httpx.Response:
    return httpx.Response(200, json={"boards": [{"id": title, "title": title} for title in titles]})


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            httpx.Response(401, json={"error": "bad key", "code": "UNAUTHORIZED"}),
            SourceRefused,
            "FLUX_API_KEY",
        ),
        (httpx.Response(403, text="error code: 1010"), SourceRefused, "error code: 1010"),
        (httpx.Response(403, json={"error": "write scope required"}), SourceRefused, "write scope required"),
        (httpx.Response(429, json={}), SourceUnavailable, "answered 429"),
        (httpx.Response(500, text="oops"), SourceUnavailable, "oops"),
        (httpx.Response(502, html="<html>bad gateway</html>"), SourceUnavailable, "answered 502;"),
        (httpx.ConnectError("no route"), SourceUnavailable, "no route"),
        (httpx.ReadTimeout("slow"), SourceUnavailable, "slow"),
        (httpx.Response(200, html="<html>sign in</html>"), SourceChanged, "text/html"),
        (httpx.Response(200, json=[1]), SourceChanged, "told no `boards`"),
        (httpx.Response(200, json={"items": []}), SourceChanged, "no `boards`"),
        (httpx.Response(302, headers={"location": "/login"}), SourceChanged, "answered 302"),
        (httpx.Response(404, text="not here"), SourceChanged, "FLUX_BASE_URL"),
    ],
)
def test_a_failure_says_what_was_tried_and_what_to_do(answer, error, words):
    with flux(answer) as source, pytest.raises(error) as raised:
        source.boards()
    assert words in str(raised.value)
    assert "http://flux.test/api/boards/all" in str(raised.value)
    assert "flux_k" not in str(raised.value)


def test_trouble_that_passes_is_waited_for():
    asked: list[httpx.Request] = []
    with flux(httpx.Response(503), httpx.ConnectError("gone"), boards("Garden"), asked=asked) as source:
        assert [board.title for board in source.boards()] == ["Garden"]
    assert len(asked) == 3


def test_a_refusal_is_not_asked_twice():
    asked: list[httpx.Request] = []
    with flux(httpx.Response(401), asked=asked) as source, pytest.raises(SourceRefused):
        source.boards()
    assert len(asked) == 1


def test_retry_after_is_kept_to_and_a_long_one_is_told():
    asked: list[httpx.Request] = []
    with flux(httpx.Response(429, headers={"retry-after": "0"}), boards("Garden"), asked=asked) as source:
        assert source.boards()
    late = httpx.Response(429, headers={"retry-after": "900"})
    with (
        flux(late, boards("Garden")) as source,
        pytest.raises(SourceUnavailable, match="try again in 900 s") as raised,
    ):
        source.boards()
    assert raised.value.retry_after == timedelta(minutes=15)


def test_retry_after_may_be_a_date_measured_by_the_answers_own():
    headers = {"retry-after": "Mon, 02 Mar 2026 10:15:00 GMT", "date": "Mon, 02 Mar 2026 10:00:00 GMT"}
    with flux(httpx.Response(503, headers=headers)) as source, pytest.raises(SourceUnavailable) as raised:
        source.boards()
    assert raised.value.retry_after == timedelta(minutes=15)


def test_every_request_carries_the_key_and_our_own_name():
    asked: list[httpx.Request] = []
    with flux(boards(), asked=asked) as source:
        source.boards()
    assert asked[0].headers["authorization"] == "Bearer flux_k"
    assert asked[0].headers["user-agent"].startswith("daybreak/")


def test_the_log_is_read_page_by_page_to_its_end(now):
    def page(request: httpx.Request) -> httpx.Response:
        after = int(request.url.params["after"])
        entries = [ENTRY | {"seq": seq, "id": f"e-{seq}"} for seq in range(after + 1, min(after + 2, 5) + 1)]
        return httpx.Response(
            200, json={"activity": entries, "next": entries[-1]["seq"] if after + 2 < 5 else None}
        )

    with flux(page) as source:
        pages = list(source.activity("b-1", "", lambda: now, limit=2))
    told = [([event.event_id for event in page.events], page.position) for page in pages]
    assert told == [(["e-1", "e-2"], "2"), (["e-3", "e-4"], "4"), (["e-5"], "5")]


def test_an_entry_without_seq_means_the_contract_moved(now):
    answer = httpx.Response(200, json={"activity": [{"id": "e-1"}], "next": None})
    with flux(answer) as source, pytest.raises(SourceChanged, match="`seq`"):
        list(source.activity("b-1", "", lambda: now))


def test_a_board_that_is_gone_is_said_so(now):
    with flux(httpx.Response(404)) as source, pytest.raises(BoardGone):
        source.snapshot("b-1", lambda: now)


def levels(**answers: httpx.Response) -> Flux:
    return flux(lambda request: answers.get(request.url.path.rsplit("/", 1)[1], httpx.Response(404)))


STREAM = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=b"data: {}\n\n")


@pytest.mark.parametrize(
    ("answers", "level"),
    [
        ({"activity": httpx.Response(200, json={"activity": [], "next": None}), "events": STREAM}, "log"),
        ({"activity": httpx.Response(200, html="<html>"), "events": STREAM}, "bell"),
        ({"events": STREAM}, "bell"),
        ({"b-1": httpx.Response(200, json={"board": {"id": "b-1"}})}, "poll"),
    ],
)
def test_the_best_way_to_read_a_board_is_found(answers, level):
    with levels(**answers) as source:
        assert source.probe("b-1") == level


def test_a_board_that_nobody_knows_has_no_level():
    with levels() as source, pytest.raises(BoardGone):
        source.probe("b-1")


def test_a_stream_gives_entries_and_takes_the_rest_as_rings(now):
    words = f"id: 1\nevent: activity\ndata: {httpx.Response(200, json=ENTRY).text}\n\n: keep-alive\n\ndata: ping\n\ndata: []\n\n"
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=words.encode())
    asked: list[httpx.Request] = []
    with flux(answer, asked=asked) as source:
        heard = list(source.stream("b-1", "", lambda: now))
    assert [entry and entry.seq for entry in heard] == [1, None, None]
    assert asked[0].headers["last-event-id"] == "0"


@pytest.mark.parametrize("url", ["flux.test", "ftp://flux.test", "http://", "http://[", ""])
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(SourceRefused, match="FLUX_BASE_URL"):
        Flux(url, "flux_k")


@pytest.mark.parametrize("key", ["", "flux_\n", "flüx"])
def test_a_key_that_is_none_is_refused_at_once(key):
    with pytest.raises(SourceRefused, match="FLUX_API_KEY"):
        Flux("http://flux.test", key)
