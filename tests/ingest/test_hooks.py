"""The webhook receiver on a real socket: who is refused, what is kept, and that 200 means committed."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from ingest import hook_server, hooks
from ingest.heard import Taker
from ingest.hooks import Receiver
from ingest.rings import ring, take_rings
from ingest.sources import Delivery, Heard, HookRefused
from ingest.sources.hearing import prove, said, signature
from ingest.sources.values import instant
from running import until
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch, Entity, Event
from warehouse.reading import Warehouse

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SECRET = "open sesame"


def hear(delivery: Delivery, secret: str | None, observed_at: datetime) -> Heard:
    """The ear of a source of our own: signs like GitHub, tells as many events as `ids` has, rings `rings`."""
    if secret is not None:
        expected = "sha256=" + signature(delivery.body, secret, "sha256").hex()
        prove(delivery.headers.get("x-hub-signature-256", ""), expected, "x-hub-signature-256")
    told = said(delivery)
    if told.get("raise"):
        raise KeyError("a bug of the source")
    events = tuple(
        Event(
            source="github", event_id=each, board_id="b1", action="card.created", entity_type="card", entity_id=each,
            card_id=each, actor_id=told.get("who"), occurred_at=instant(told.get("at")) or observed_at, observed_at=observed_at,
            payload={"nested": told["nested"]} if "nested" in told else {},
        )
        for each in told.get("ids", ())
    )  # fmt: skip
    people = (Entity("member", told["who"], {"name": "Ada"}),) if "who" in told else ()
    return Heard(
        events,
        tuple(told.get("rings", ())),
        people,
        delivery.url if "where" in told else told.get("answer", ""),
    )


@dataclass
class Post:
    """The receiver, running; and ways to send it something."""

    home: Home
    url: str = ""
    lines: list[str] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))

    def send(
        self, told: object, *, source: str = "github", secret: str = SECRET, **more: str
    ) -> httpx.Response:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        signed = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return self.client.post(
            f"{self.url}/hooks/{source}", content=body, headers={"x-hub-signature-256": signed, **more}
        )

    def ids(self) -> list[str]:
        """The events in the log, in order."""
        with Log.open(self.home, wait=timedelta(seconds=10)) as log:
            return [
                row[0]
                for row in log.connection.execute(
                    "select event_id from events order by event_offset"
                ).fetchall()
            ]


@pytest.fixture
def post(home: Home) -> Iterator[Post]:
    with running(home) as posted:
        yield posted


class running:  # noqa: N801 - reads as a word where it is used
    """The receiver on a free port, in a thread."""

    def __init__(
        self,
        home: Home,
        settings: dict[str, str] | None = None,
        patience: timedelta = timedelta(seconds=6),
        public_url: str = "",
        largest: int = hook_server.LARGEST_BODY,
        most_unreadable: int = hooks.MOST_UNREADABLE,
        ears: Callable[[str], hooks.Hear | None] = lambda source: hear if source == "github" else None,
    ) -> None:
        self.post, self.ears = Post(home), ears
        self.largest, self.most_unreadable = largest, most_unreadable
        self.settings = {"GITHUB_HOOK_SECRET": SECRET} if settings is None else settings
        self.patience, self.public_url = patience, public_url

    def __enter__(self) -> Post:
        post = self.post
        self.taker = Taker(post.home, say=post.lines.append, patience=self.patience).__enter__()
        receiver = Receiver(
            post.home, self.taker, settings=self.settings, clock=lambda: NOW, say=post.lines.append,
            ears=self.ears, most_unreadable=self.most_unreadable,
        )  # fmt: skip
        self.listener = hook_server.listen("127.0.0.1", 0)
        self.server = hook_server.server(receiver, public_url=self.public_url, largest=self.largest)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})
        self.thread.start()
        post.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        return post

    def __exit__(self, *_: object) -> None:
        self.post.client.close()
        self.server.should_exit = True
        self.thread.join(15)
        self.listener.close()
        self.taker.__exit__()


def test_200_means_that_the_events_are_in_the_log(post):
    response = post.send({"ids": ["e1", "e2"], "answer": "thanks"})
    assert (response.status_code, response.text) == (200, "thanks")
    assert post.ids() == ["e1", "e2"]


def test_what_is_delivered_again_is_kept_once(post):
    for _ in range(2):
        assert post.send({"ids": ["e1"], "at": "2026-03-01T10:00:00Z"}).status_code == 200
    assert post.ids() == ["e1"]


def test_what_is_committed_is_published_too(post, home):
    post.send({"ids": ["e1"]})
    until(lambda: (home.warehouse_dir / "CURRENT").exists(), what="the publish after the answer")
    with Warehouse.open(home) as warehouse:
        assert warehouse.frame("from events").height == 1


def test_each_delivery_is_one_line(post):
    post.send({"ids": ["e1"], "rings": ["b2"]})
    assert len(post.lines) == 1
    assert post.lines[0].startswith("hook source=github status=200 bytes=")
    assert "events=1 rings=1 offset=1" in post.lines[0]


@pytest.mark.parametrize(
    "more", [{"x-hub-signature-256": ""}, {"x-hub-signature-256": "sha256=00"}, {"x-hub-signature-256": "é"}]
)
def test_a_delivery_without_the_right_signature_is_refused_and_leaves_nothing(post, home, more):
    headers = {name: value.encode() for name, value in more.items()}
    response = post.client.post(
        f"{post.url}/hooks/github", content=b'{"ids": ["e1"], "rings": ["b1"]}', headers=headers
    )
    assert response.status_code == 401
    assert "x-hub-signature-256" in response.text
    assert (post.ids(), take_rings(home, "github")) == ([], ())
    assert not (home.root / "unreadable").exists()


def test_without_a_secret_of_ours_nobody_is_believed(home):
    with running(home, settings={}) as post:
        response = post.send({"ids": ["e1"]})
        assert (response.status_code, "GITHUB_HOOK_SECRET is not set" in response.text) == (403, True)
        assert post.ids() == []


@pytest.mark.parametrize("source", ["gitlab", "flux", "..%2Fgithub", "kanboard"])
def test_a_source_without_an_ear_is_not_found(post, source):
    assert post.send({"ids": ["e1"]}, source=source).status_code == 404
    assert post.client.head(f"{post.url}/hooks/{source}").status_code == 404


def test_a_sender_that_asks_whether_somebody_is_there_hears_yes(post):
    assert post.client.head(f"{post.url}/hooks/github").status_code == 200
    assert post.client.get(f"{post.url}/hooks/github").status_code == 200


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(post):
    connection = http.client.HTTPConnection("127.0.0.1", int(post.url.rsplit(":", 1)[1]))
    connection.putrequest("POST", "/hooks/github")
    connection.putheader("Content-Length", str(hook_server.LARGEST_BODY + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_that_turns_out_too_large_is_refused(home):
    chunks = (b"x" * 300 for _ in range(8))
    with running(home, largest=1000) as post:
        response = post.client.post(f"{post.url}/hooks/github", content=chunks)
    assert response.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b'{"a": "\xff\xfe',
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b"[1]",
        b"null",
        b"\x00" * 100,
    ],
)
def test_a_signed_body_that_cannot_be_read_is_kept_aside_and_not_sent_again(post, home, body):
    assert post.send(body).status_code == 202
    kept = list((home.root / "unreadable").iterdir())
    assert [path.read_bytes() for path in kept] == [body]
    assert kept[0].name in post.lines[-1]


def test_a_body_is_kept_aside_once_and_not_without_end(home):
    with running(home, most_unreadable=2) as post:
        answers = [post.send(body).status_code for body in (b"1st", b"1st", b"2nd", b"3rd")]
    assert answers == [202, 202, 202, 503]
    assert len(list((home.root / "unreadable").iterdir())) == 2


def test_a_source_that_stumbles_keeps_the_body_and_the_receiver_up(post, home):
    assert post.send({"raise": True}).status_code == 202
    assert any("a bug of the source" in line for line in post.lines)
    assert [json.loads(path.read_bytes()) for path in (home.root / "unreadable").iterdir()] == [
        {"raise": True}
    ]
    assert post.send({"ids": ["e1"]}).status_code == 200


def test_a_delivery_that_only_rings_needs_no_writer(post, home):
    with Log.open(home):
        assert post.send({"rings": ["b1", "b2", "b1"]}).status_code == 200
    assert take_rings(home, "github") == ("b1", "b2")


def test_who_acts_is_known_by_name_although_nobody_looks_at_the_board(home):
    with running(home) as post:
        post.send({"ids": ["e1"], "who": "m1"})
    with Warehouse.open(home) as warehouse:
        assert warehouse.frame("select member_id, name from members").rows() == [("m1", "Ada")]
    assert take_rings(home, "github") == ()


def test_a_warehouse_that_stays_busy_means_again_in_a_moment(home):
    with running(home, patience=timedelta(milliseconds=50)) as post:
        with Log.open(home):
            response = post.send({"ids": ["e1"], "rings": ["b1"]})
        assert (response.status_code, response.headers["retry-after"]) == (503, "30")
        assert take_rings(home, "github") == ()
        assert post.send({"ids": ["e1"]}).status_code == 200
        assert post.ids() == ["e1"]


def test_a_home_that_cannot_be_written_is_said_and_not_acknowledged(home):
    home.warehouse_dir.write_text("a file where the folder must be")
    with running(home) as post:
        response = post.send({"ids": ["e1"]})
        assert (response.status_code, response.headers["retry-after"]) == (503, "60")
        assert "broken=" in post.lines[-1]


def test_a_follower_gives_way_and_deliveries_that_wait_share_one_append(post, home):
    """Forty senders while somebody else writes and yields: each is answered, each event kept once."""
    done = threading.Event()

    def follow() -> None:
        with Log.open(home, wait=timedelta(seconds=10)) as log:
            while not done.wait(0.01):
                log.yield_turn()

    follower = threading.Thread(target=follow)
    follower.start()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: post.send({"ids": [f"e{number}"]}), range(40)))
    done.set()
    follower.join()
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(post.ids()) == sorted(f"e{number}" for number in range(40))


def test_one_that_cannot_be_kept_takes_no_other_along(home):
    """Among deliveries that wait for the same append, one says what no log can hold."""
    good, bad = ({"ids": [name]} for name in ("good", "bad"))
    told = [hear(Delivery("/", {}, {}, json.dumps(each).encode()), None, NOW).events for each in (good, bad)]
    unwritable = (replace(told[1][0], payload={"a": {1, 2}}),)
    lines: list[str] = []
    with Taker(home, say=lines.append) as taker:
        with Log.open(home):
            waiting = [taker.take(Batch(events)) for events in (told[0], unwritable)]
        assert waiting[0].result(10).upto == 1
        with pytest.raises(TypeError):
            waiting[1].result(10)
    assert Post(home).ids() == ["good"]


# ── the parts ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "board_id", ["b1", "owner/name", "..", ".", "a b?c#d", "ä" * 300, "\ud800", "PVT_kwDOA"]
)
def test_a_ring_tells_the_board_whatever_its_name(home, board_id):
    ring(home, "github", board_id)
    ring(home, "github", board_id)
    assert take_rings(home, "github") == (board_id.encode("utf-8", "replace").decode(),)
    assert take_rings(home, "github") == ()


def test_rings_of_one_source_are_not_anothers(home):
    ring(home, "github", "b1")
    assert take_rings(home, "trello") == ()
    assert take_rings(home, "github") == ("b1",)


def test_rings_and_takers_side_by_side_lose_no_board(home):
    """Each board rings while two followers take: whoever takes it last has looked after it rang."""
    boards = [f"b{number}" for number in range(50)]
    taken: list[str] = []
    done = threading.Event()

    def take() -> None:
        while not done.is_set():
            taken.extend(take_rings(home, "github"))

    takers = [threading.Thread(target=take) for _ in range(2)]
    for taker in takers:
        taker.start()
    for board_id in boards:
        ring(home, "github", board_id)
    done.set()
    for taker in takers:
        taker.join()
    assert set(taken) | set(take_rings(home, "github")) == set(boards)


def test_a_form_is_read_as_the_json_it_carries():
    form = Delivery(
        "/", {}, {"content-type": "application/x-www-form-urlencoded"}, b"payload=%7B%22a%22%3A1%7D"
    )
    assert said(form) == {"a": 1}
    assert said(Delivery("/", {}, form.headers, b"other=1")) == {}


def test_a_proof_needs_the_same_text():
    prove("token", "token", "the token")
    for wrong in ("", "Token", "tokén", "\ud800"):
        with pytest.raises(HookRefused, match="the token"):
            prove(wrong, "token", "the token")


def test_a_port_in_use_is_said(post):
    with pytest.raises(hook_server.PortInUse, match="--port"):
        hook_server.listen("127.0.0.1", int(post.url.rsplit(":", 1)[1]))


@pytest.mark.parametrize("public_url", ["", "https://hooks.example.org/"])
def test_a_delivery_knows_the_address_its_sender_called(home, public_url):
    with running(home, public_url=public_url) as post:
        where = post.send({"where": True}, source="github?board=1").text
        assert where == f"{public_url.rstrip('/') or post.url}/hooks/github?board=1"


@pytest.mark.parametrize(
    ("source", "recording", "setting", "boards"),
    [
        ("planka", "webhooks-planka-foodgrindr.jsonl", "PLANKA_HOOK_TOKEN", 1),
        ("kanboard", "webhooks-kanboard-amirite.jsonl", "KANBOARD_HOOK_TOKEN", 1),
    ],
)
def test_what_real_servers_have_sent_rings_and_is_thanked_for(
    real_boards, home, source, recording, setting, boards
):
    """Each delivery as it was recorded, with its headers and its address, through the door it would come by."""
    sent = [json.loads(line) for line in (real_boards / recording).read_text().splitlines()]
    with running(home, {setting: "LOCAL"}, ears=hooks.ear) as post:
        address = f"{post.url}/hooks/{source}"
        answers = []
        for each in sent:
            query = each["path"].partition("?")[2]
            headers = {
                name: value
                for name, value in each["headers"].items()
                if name.lower() not in ("host", "content-length", "accept-encoding", "connection")
            }
            answers.append(
                post.client.post(f"{address}?{query}", content=each["body"].encode(), headers=headers)
            )
        stranger = post.client.post(address, content=sent[0]["body"].encode())
    assert {answer.status_code for answer in answers} == {200}
    assert len(take_rings(home, source)) == boards
    assert stranger.status_code == 401
    assert post.ids() == [], "they ring; what they ring for is read from the source, with its id and instant"
