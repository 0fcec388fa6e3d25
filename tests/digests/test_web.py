"""What mails lead to, over a real socket: nobody logs in, a GET changes nothing, a POST does what it says."""

from __future__ import annotations

import email
import re
import shutil
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage
from html import unescape

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from digests import ledger
from digests.deliver import DeliveryDeferred, Memory, Parcel
from digests.model import Cadence, Person
from digests.people import change, find
from digests.run import preview, run
from digests.web import tokens, unsubscribe
from digests.web.links import Doors
from digests.web.routes import routes
from digests.web.view import KEPT
from running import free_port, until
from small_team import NOW, Team, fill
from warehouse.home import Home
from warehouse.model import Event

PUBLIC = "https://daybreak.example/reach"
PAGE = "http://127.0.0.1:8500"
MAILBOX = "bounces@daybreak.example"
ONE_CLICK = "List-Unsubscribe=One-Click"


@dataclass
class Site:
    """The two addresses on a socket of their own, at a time that can be set."""

    home: Home
    now: datetime = NOW
    port: int = field(default_factory=free_port)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    def get(self, url: str) -> httpx.Response:
        with self.client() as client:
            return client.get(self.path(url))

    def post(self, url: str, **form: str) -> httpx.Response:
        with self.client() as client:
            return client.post(self.path(url), data=form)

    def path(self, url: str) -> str:
        """Where a proxy sends what comes to the public address."""
        return url.removeprefix(PUBLIC)

    def person(self, name: str = "ada-berlin") -> Person:
        return find(self.home, name)


@pytest.fixture(scope="module")
def mailed_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home from which Ada and Kenji have been written to; each test has a copy."""
    home = Home(tmp_path_factory.mktemp("mailed") / "home")
    home.root.mkdir()
    fill(home)
    mail_to_ada(home)
    ledger.close(home)
    return home


@pytest.fixture
def team(mailed_home: Home, home: Home) -> Team:
    shutil.copytree(mailed_home.root, home.root, dirs_exist_ok=True)
    return Team(home, told=4)


@pytest.fixture
def site(team: Team) -> Iterator[Site]:
    site = Site(team.home)
    app = Starlette(routes=routes(team.home, lambda: site.now))
    server = uvicorn.Server(uvicorn.Config(app, port=site.port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, what="the site")
    yield site
    server.should_exit = True
    thread.join(timeout=10)


def adas_mail(home: Home) -> EmailMessage:
    """The mail that was made for Ada."""
    (digest,) = ledger.digests(home, "ada-berlin")
    raw = ledger.message(home, digest.digest_id)
    assert raw
    message = email.message_from_bytes(raw, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def mail_to_ada(home: Home, carrier: Memory | None = None, public: str = PUBLIC) -> EmailMessage:
    """The mail Ada is sent now."""
    run(home, NOW, carrier=carrier or Memory(), doors=Doors(home, PAGE, public, mailbox=MAILBOX))
    return adas_mail(home)


def ways_out(mail: EmailMessage) -> list[str]:
    return re.findall(r"<([^>]+)>", mail["List-Unsubscribe"] or "")


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")


def links(mail: EmailMessage) -> dict[str, str]:
    """Links of the HTML by what they say."""
    found = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>([^<]+)</a>', body(mail, "html"))
    return {unescape(label): unescape(url) for url, label in found}


def web(mail: EmailMessage) -> str:
    return links(mail)["See this mail in the browser"]


def fewer(mail: EmailMessage) -> str:
    return links(mail)["Fewer of these mails, or none"]


def value_of(page: str, do: str, label: str = "") -> str:
    """What the button's form would send as its value."""
    pattern = rf'name="do" value="{do}">\s*<input type="hidden" name="value" value="([^"]+)">\s*<button[^>]*>{label}'
    return unescape(re.findall(pattern, page)[0])


# ── unsubscribing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart", "none"])
def test_one_click_in_a_mail_program_ends_the_mails(site: Site, encoding: str) -> None:
    """RFC 8058: a POST without cookie or login is answered 200 and not redirected (Fizzy redirects, NodeBB #8016 asks for a login)."""
    mail = adas_mail(site.home)
    name, _, said = mail["List-Unsubscribe-Post"].partition("=")
    form = {
        "urlencoded": {"data": {name: said}},
        "multipart": {"files": {name: (None, said)}},
        "none": {},
    }[encoding]

    with site.client() as client:
        answer = client.post(site.path(ways_out(mail)[0]), **form)

    assert (answer.status_code, answer.history) == (200, [])
    assert "set-cookie" not in answer.headers
    assert site.person().cadence == Cadence("never")
    assert f"{name}={said}" == ONE_CLICK


def test_a_link_scanner_that_opens_every_link_changes_nothing(site: Site) -> None:
    """hackwestern PR 846: of 497 unsubscribed, 489 were scanners."""
    mail = adas_mail(site.home)
    before = site.person(), ledger.cursor(site.home, "ada-berlin"), ledger.unread(site.home)

    for url in {*ways_out(mail)[:1], web(mail), fewer(mail)}:
        assert site.get(url).status_code == 200
        with site.client() as client:
            assert client.head(site.path(url)).status_code == 200

    assert (site.person(), ledger.cursor(site.home, "ada-berlin"), ledger.unread(site.home)) == before


def test_a_wrong_address_is_answered_like_a_right_one(site: Site) -> None:
    right = fewer(adas_mail(site.home))
    shown = [site.post(right, do=do).text for do in ("less", "all", "again")]
    before = site.person()

    for wrong in (f"{right}x", "/unsubscribe/x", f"/unsubscribe/{'A' * 9000}", "/unsubscribe/%00%ff"):
        answers = [site.post(wrong, do=do) for do in ("less", "all", "again")]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        for answer, other in zip(answers, shown, strict=True):
            assert re.sub(r'value="[^"]+"', "", answer.text) == re.sub(r'value="[^"]+"', "", other)
        assert site.get(wrong).status_code == 200
    assert site.person() == before


def test_a_token_opens_only_what_it_was_signed_for(site: Site) -> None:
    mail = adas_mail(site.home)
    view, out = web(mail).rpartition("/")[2], fewer(mail).rpartition("/")[2]

    assert site.get(f"/mail/{out}").status_code == 404
    site.post(f"/unsubscribe/{view}")
    assert site.person().cadence == Cadence()


def test_what_was_chosen_on_the_way_out_is_taken_back(site: Site) -> None:
    way = fewer(adas_mail(site.home))
    change(site.home, site.person(), {"cadence": "daily"}, NOW)
    mute = value_of(site.get(way).text, "mute")

    less = site.post(way, do="less")
    assert "one mail a week, on Mondays" in less.text
    assert site.person().cadence == Cadence("weekly", "mon")
    site.post(way, do="undo", value=value_of(less.text, "undo"))
    assert site.person().cadence == Cadence("daily")

    muted = site.post(way, do="mute", value=mute)
    assert "nothing more of “Website”" in unescape(muted.text)
    assert site.person().muted == ("b1",)
    site.post(way, do="undo", value=value_of(muted.text, "undo"))
    assert site.person().muted == ()

    gone = site.post(way, do="all")
    site.post(way, do="all")  # a second click
    assert site.person().cadence == Cadence("never")
    site.post(way, do="undo", value=value_of(gone.text, "undo"))
    assert site.person().cadence == Cadence("daily")


def test_an_undo_takes_back_what_it_stands_beside_and_nothing_that_came_later(site: Site) -> None:
    mail = adas_mail(site.home)
    muted = site.post(fewer(mail), do="mute", value="b1")
    stopped = site.post(fewer(mail), do="all")
    change(site.home, site.person(), {"muted": []}, NOW)
    change(site.home, site.person(), {"cadence": "daily"}, NOW)

    for old in (muted, stopped):
        answer = site.post(fewer(mail), do="undo", value=value_of(old.text, "undo"))
        assert "you have chosen otherwise" in answer.text

    assert (site.person().muted, site.person().cadence) == ((), Cadence("daily"))


def test_an_undo_pressed_twice_takes_one_reading_back(site: Site) -> None:
    mail = adas_mail(site.home)
    ledger.caught_up(site.home, "ada-berlin", 9, NOW)  # on the page, and further than the mail
    done = site.post(web(mail), do="caught-up")
    undo = value_of(done.text, "undo")

    site.post(web(mail), do="undo", value=undo)
    assert "Nothing was changed" in site.post(web(mail), do="undo", value=undo).text

    read = ledger.cursor(site.home, "ada-berlin")
    assert read
    assert (read.via, read.window.upto) == ("page", 9)


def test_nobody_writes_the_choices_of_somebody_else(site: Site) -> None:
    way = fewer(adas_mail(site.home))
    kenji = tokens.signed(site.home, "undo", "kenji-tokyo", "cadence", "never", None)

    for value in (kenji, "cadence", tokens.signed(site.home, "view", "ada-berlin", "cadence", "never", None)):
        assert "Nothing was changed" in site.post(way, do="undo", value=value).text
    assert site.post(way, do="mute", value="a board Ada is not on").status_code == 200
    assert {site.person(who).cadence for who in ("ada-berlin", "kenji-tokyo")} == {Cadence()}
    assert site.person().muted == ()


def test_what_waits_in_the_outbox_is_not_sent_to_who_has_left(home: Home) -> None:
    class Closed(Memory):
        def deliver(self, parcel: Parcel) -> None:
            raise DeliveryDeferred("450 later")

    fill(home)
    way = ways_out(mail_to_ada(home, Closed()))[0]
    unsubscribe.act(home, way.rpartition("/")[2], {}, NOW)

    open_again = Memory()
    run(home, NOW + timedelta(minutes=10), carrier=open_again)

    assert [parcel.recipient for parcel in open_again.sent.values()] == ["kenji@example.org"]
    (digest,) = ledger.digests(home, "ada-berlin")
    assert (digest.state, digest.reason) == ("skipped", "unsubscribed")


@pytest.mark.parametrize(
    "public", ["", "http://daybreak.example", "https://dash board.example"], ids=["none", "http", "unsafe"]
)
def test_one_click_is_promised_only_where_a_post_reaches_us_over_https(team: Team, public: str) -> None:
    mail = preview(team.home, find(team.home, "ada-berlin"), NOW, Doors(team.home, PAGE, public))

    assert mail["List-Unsubscribe"] is None
    assert mail["List-Unsubscribe-Post"] is None


def test_the_headers_name_both_ways_out(team: Team) -> None:
    https, mailto = ways_out(adas_mail(team.home))

    assert https.startswith(f"{PUBLIC}/unsubscribe/")
    assert re.fullmatch(r"mailto:bounces@daybreak\.example\?subject=unsubscribe%20[\w.-]+", mailto)


def test_a_form_too_long_or_broken_does_no_harm(site: Site) -> None:
    way = site.path(fewer(adas_mail(site.home)))
    broken = {"Content-Type": "multipart/form-data; boundary=x"}

    with site.client() as client:
        assert client.post(way, content=b"do=less&" + b"x=1&" * 100_000).status_code == 200
        assert client.post(way, content=b"--y\r\nnonsense", headers=broken).status_code == 200
    assert site.person().cadence == Cadence("never")


def test_the_secret_is_its_owners_alone_and_stays(home: Home) -> None:
    first = tokens.read_or_make_secret(home.links_key)

    assert stat.S_IMODE(home.links_key.stat().st_mode) == 0o600
    assert tokens.read_or_make_secret(home.links_key) == first
    assert [path.name for path in home.root.iterdir()] == ["links.key"]


# ── a mail's own page ─────────────────────────────────────────────────────────────────────────────────────────────────


def numbers(page: str) -> list[str]:
    return re.findall(r"[\d,]+ (?:events?|shown|folded|yours)\b", page)


def told_in(page: str) -> str:
    """From the headline to the account: what both surfaces tell."""
    return page[page.index("<h1") : page.index("</p>", page.index(" shown, "))]


def test_a_mails_page_tells_the_same_as_the_mail_whatever_happened_since(team: Team, site: Site) -> None:
    mail = adas_mail(site.home)
    team.append(
        team.event("card.renamed", "c3", "kenji", timedelta(), after={"title": "Something else"}),
        team.event("card.moved", "c4", "kenji", timedelta(), column_from="done", column_to="todo"),
        team.event("card.assigned", "c6", "kenji", timedelta(), after={"member_ids": ["ada"]}),
    )
    site.now = NOW + timedelta(days=3)

    page = site.get(web(mail))

    assert page.status_code == 200
    assert numbers(page.text) == numbers(body(mail, "html")) != []
    assert told_in(page.text) == told_in(body(mail, "html"))


def test_what_a_mail_cuts_its_page_tells_whole(team: Team, site: Site) -> None:
    team.append(*(_worked_on(team, n) for n in range(7, 39)))
    mail = preview(team.home, site.person(), NOW, Doors(team.home, PAGE, PUBLIC))
    page = site.get(web(mail)).text

    assert re.search(r"and \d+ more", body(mail, "html"))
    assert not re.search(r"and \d+ more", page)
    assert all(f"Card number {n}<" in page for n in range(7, 39))
    cut = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>and \d+ more', body(mail, "html"))
    assert {unescape(url) for url in cut} == {web(mail)}


def _worked_on(team: Team, number: int) -> Event:
    return team.event(
        "comment.created", f"c{number}", "kenji", timedelta(hours=1), entity_id=f"k-{number}",
        after={"content": f"word {number}"},
    )  # fmt: skip


def test_who_has_left_a_board_does_not_see_it_on_an_old_mails_page(team: Team, site: Site) -> None:
    mail = adas_mail(site.home)
    assert "Card number 3" in site.get(web(mail)).text
    team.append(team.event("member.left", None, "ada", timedelta(), entity_id="ada"))

    page = site.get(web(mail)).text

    assert "Card number" not in page
    assert "Website" not in page
    assert "You are no longer on one of the boards" in page
    assert "Website" not in site.get(fewer(mail)).text


def test_a_page_is_put_away_after_a_month_and_says_so_kindly(site: Site) -> None:
    mail = adas_mail(site.home)
    site.now = NOW + KEPT + timedelta(seconds=1)

    page = site.get(web(mail))
    site.post(web(mail), do="less")

    assert page.status_code == 410
    assert "put away" in page.text
    assert "Card number" not in page.text
    assert site.person().cadence == Cadence()
    site.post(fewer(mail), do="less")  # the way out stays open
    assert site.person().cadence == Cadence("weekly", "mon")


def test_on_its_page_a_mail_is_read_and_that_is_taken_back(site: Site) -> None:
    mail = adas_mail(site.home)
    assert ledger.unread(site.home) == {"ada-berlin": 1, "kenji-tokyo": 1}

    done = site.post(web(mail), do="caught-up")

    read = ledger.cursor(site.home, "ada-berlin")
    assert read
    assert (read.via, read.window.upto) == ("mail", 4)
    assert ledger.unread(site.home) == {"kenji-tokyo": 1}
    site.post(web(mail), do="undo", value=value_of(done.text, "undo"))
    again = ledger.cursor(site.home, "ada-berlin")
    assert again
    assert again.via == "digest"


def test_from_its_page_there_are_fewer_mails_and_fewer_boards(site: Site) -> None:
    mail = adas_mail(site.home)
    page = site.get(web(mail)).text

    site.post(web(mail), do="less")
    site.post(web(mail), do="mute", value=value_of(page, "mute"))

    assert site.person().cadence == Cadence("weekly", "mon")
    assert site.person().muted == ("b1",)


def test_a_page_loads_nothing_runs_nothing_and_is_not_kept_by_anybody(site: Site) -> None:
    mail = adas_mail(site.home)

    for url in (web(mail), fewer(mail)):
        answer = site.get(url)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "noindex" in answer.headers["x-robots-tag"]
        assert "<script" not in answer.text


def test_before_anything_is_published_one_hears_to_come_again(site: Site) -> None:
    mail = adas_mail(site.home)
    shutil.rmtree(site.home.warehouse_dir)

    answer = site.get(web(mail))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert site.post(fewer(mail)).status_code == 200
    assert site.person().cadence == Cadence("never")
