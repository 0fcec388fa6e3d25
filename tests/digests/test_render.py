"""What a digest looks like: goldens that a person judged, and rules every one of them keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from digests.catchup import Cutoff
from digests.layout import LIMITS, laid_out
from digests.model import CatchUp, CommentNow, Links
from digests.news import headline
from digests.render import MOST, as_json, html, subject, text


def busy(story) -> CatchUp:
    """A night on which two things wait, cards are done, moved and new, on two boards."""
    story.comments["mine"] = CommentNow("mine", "c3", "flux:ben", None, "Which fields do we need?")
    story.move("ana", "c1", "todo", "doing")
    story.tell("checklist.checked", "ana", "c1", id="i1")
    story.tell("checklist.checked", "ana", "c1", id="i2")
    story.tell("checklist.checked", "chen", "c1", id="i3")
    story.say(
        "chen",
        "c2",
        "@ben it redirects to **staging** again, see [the log](https://logs.example/1). Can you look?",
    )
    story.say("ana", "c3", "Street, city and postcode. Nothing else.", parent="mine")
    story.tell("card.assigned", "chen", "c2", after={"member_ids": ["ben"]})
    story.move("chen", "c2", "todo", "review")
    story.move("chen", "c4", "review", "done")
    story.tell("card.created", "ana", "c6", column_to="todo", after={"title": "Receipts as PDF"})
    story.move("chen", "c6", "todo", "done")
    story.say("ana", "c7", "Decision: we keep Postgres full-text search for now.")
    story.move("ana", "c7", "todo", "doing")
    story.move("chen", "c7", "doing", "todo")
    story.tell("card.created", "chen", "c5", column_to="todo", after={"title": "Push notifications"})
    story.tell("card.labeled", "chen", "c5", after={"labels": ["mobile", "later"]})
    story.tell("card.reordered", "chen", "c5")
    story.tell("column.created", "chen", board="mobile", id="review", after={"title": "Review"})
    story.move("ben", "c4", "doing", "review", ago=timedelta(hours=13))
    story.tell("card.deleted", "ana", "x1")
    return story.read()


def quiet(story) -> CatchUp:
    """Nothing but what Ben did himself."""
    story.move("ben", "c1", "todo", "doing")
    return story.read()


def first(story) -> CatchUp:
    """The first digest of somebody without a zone, on a board with a history."""
    for hours in range(40):
        story.move("ana", "c3", "todo", "doing", ago=timedelta(days=9, hours=hours))
    story.move("chen", "c3", "doing", "done")
    story.person = replace(story.person, zone=None, email=None)
    return story.read(cutoff=Cutoff(story.now - timedelta(days=7), "before_first"), first=True)


def one_mention(story) -> CatchUp:
    """One person, one question."""
    story.say("chen", "c3", "@ben is the postcode optional in Ireland?")
    return story.read()


def hostile(story) -> CatchUp:
    """Titles and comments that try to be markup, links, headers and templates."""
    names = {
        "c1": '<script>alert(1)</script>"><img src=x onerror=alert(2)>',
        "c2": "{{ 7*7 }} {% raw %} ${x}\r\nBcc: x@y.z",
    }
    for key, title in names.items():
        story.cards[key] = replace(story.cards[key], title=title, url='javascript:alert("x")')
    story.cards["c3"] = replace(
        story.cards["c3"], title="  \u202eesrever\u202c \x00\x07 ", url="https://ok.example/'onmouseover='x"
    )
    story.cards["c4"] = replace(story.cards["c4"], title="W" * 400)
    story.boards["web"] = replace(
        story.boards["web"], title="</h2><style>*{display:none}</style>", url="data:text/html,x"
    )
    story.members["flux:chen"] = replace(story.members["flux:chen"], name="<b>Chen</b>\r\nX-Evil: 1")
    story.say("chen", "c1", "@ben <a href='javascript:x'>click</a> </td></table> &amp; " + "spam " * 200)
    story.move("chen", "c2", "todo", "done")
    story.move("chen", "c3", "todo", "doing")
    story.move("chen", "c4", "todo", "doing")
    return story.read()


def right_to_left_and_cjk(story) -> CatchUp:
    """Hebrew, Arabic, Japanese and emoji beside our English."""
    story.cards["c1"] = replace(story.cards["c1"], title="תשלום בכרטיס אשראי")
    story.cards["c3"] = replace(story.cards["c3"], title="نموذج العنوان (v2)")
    story.cards["c4"] = replace(story.cards["c4"], title="ダークモードの対応 🌒")
    story.members["flux:chen"] = replace(story.members["flux:chen"], name="陳 偉")
    story.columns["done"] = replace(story.columns["done"], title="完了", is_done=None)
    story.say("chen", "c1", "@ben צריך לבדוק את זה today, בבקשה")
    story.move("ana", "c3", "todo", "doing")
    story.move("chen", "c4", "todo", "done")
    return story.read()


def back_from_holiday(story) -> CatchUp:
    """Two weeks of a team's work, read on the first morning back."""
    for number in range(90):
        key, ago = f"h{number}", timedelta(days=14) - timedelta(hours=3 * number)
        board = ("web", "mobile")[number % 2]
        story.cards[key] = replace(
            story.cards["c3"], card_id=key, board_id=board, title=f"Story {number}", url=f"https://flux.example/c/{key}"
        )  # fmt: skip
        if number % 3 == 0:
            story.tell(
                "card.created", "ana", key, ago=ago, column_to="todo", after={"title": f"Story {number}"}
            )
        story.move("chen", key, "todo", ("doing", "review", "done")[number % 3], ago=ago)
        if number % 5 == 0:
            story.say("ana", key, f"Story {number} is what the customers asked for.", ago=ago)
    story.say("chen", "c1", "@ben when you are back: may we ship this?", ago=timedelta(days=9))
    story.tell("card.assigned", "ana", "c5", after={"member_ids": ["ben"]}, ago=timedelta(days=2))
    return story.read(since=timedelta(days=14))


def ten_thousand(story) -> CatchUp:
    """Ten thousand events on 2,000 cards: an import, or a team of robots."""
    for number in range(2000):
        key, url = f"m{number}", f"https://flux.example/c/m{number}"
        story.cards[key] = replace(
            story.cards["c3"], card_id=key, title=f"Order {number} from the marketplace", url=url
        )
        story.tell("card.created", "ana", key, column_to="todo", after={"title": f"Order {number}"})
        story.move("chen", key, "todo", "doing")
        story.say(
            "ana", key, f"{'@ben ' if number % 40 == 0 else ''}The customer of order {number} has paid."
        )
        story.move("chen", key, "doing", "review")
        story.move("ana", key, "review", ("doing", "done")[number % 2])
    return story.read()


NIGHTS = {
    "busy": busy, "quiet": quiet, "first": first, "holiday": back_from_holiday, "one-mention": one_mention,
    "ten-thousand": ten_thousand, "rtl-cjk": right_to_left_and_cjk, "hostile": hostile,
}  # fmt: skip
LINKS = Links(
    "https://daybreak.example", "https://daybreak.example/mail/signed", "https://daybreak.example/unsubscribe/signed"
)  # fmt: skip


def flood(story) -> CatchUp:
    """A team's month: hundreds of cards, long names, long comments, characters that grow when escaped."""
    for number in range(600):
        key = f"n{number}"
        url = f"https://flux.example/{'long/' * 60}{number}?a=1&b=2"
        story.cards[key] = replace(
            story.cards["c3"], card_id=key, title=f"Card {number} “&<>” {'長い題名' * 30}", url=url
        )
        story.say("chen", key, f"{'@ben ' if number % 3 else ''}{number} <&> {'多くの言葉 ' * 80}")
        story.move("ana", key, "todo", ("doing", "done")[number % 2])
    return story.read()


class Page(HTMLParser):
    """What a reader sees of a page, and what it holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"style", "title"} & set(self.open):
            self.words.append(data.strip())


@pytest.mark.parametrize("night", NIGHTS)
def test_the_digest_reads_as_it_was_judged_good(
    story, golden: Callable[[str, str], None], night: str
) -> None:
    catch_up = NIGHTS[night](story)

    golden(f"digest-{night}.txt", f"Subject: {subject(catch_up)}\n\n{text(catch_up, LINKS)}")
    golden(f"digest-{night}.html", html(catch_up, LINKS))


@pytest.mark.parametrize("night", [*NIGHTS, "flood"])
def test_text_and_html_tell_the_same_cards_and_links(story, night: str) -> None:
    catch_up = {**NIGHTS, "flood": flood}[night](story)

    page, plain = Page(html(catch_up, LINKS)), text(catch_up, LINKS)

    assert page.open == []
    assert sorted(page.links) == sorted(re.findall(r"^ *(https?://\S+)$", plain, re.MULTILINE))
    flat = " ".join(plain.split()).casefold()
    missing = [
        word
        for word in page.words
        if len(word) > 12 and " ".join(word.split()).strip(":. ·…").casefold() not in flat
    ]
    assert [word for word in missing if " · " not in word and word not in ("By board", "comments")] == []


@pytest.mark.parametrize("night", [*NIGHTS, "flood"])
def test_a_mail_program_shows_the_headline_first_and_fetches_nothing(story, night: str) -> None:
    catch_up = {**NIGHTS, "flood": flood}[night](story)
    page = Page(html(catch_up))

    tags = [tag for tag, _ in page.tags]
    assert "img" not in tags
    assert "script" not in tags
    assert tags.count("h1") == 1
    assert page.words[0] == headline(catch_up)
    assert all(link.startswith(("https://", "http://")) for link in page.links)
    assert next(attrs for tag, attrs in page.tags if tag == "html")["lang"] == "en"


def test_nothing_hostile_survives_as_markup_or_header(story) -> None:
    catch_up = hostile(story)
    page = html(catch_up)

    tags = {tag for tag, _ in Page(page).tags}
    attributes = {name for _, attrs in Page(page).tags for name in attrs}
    assert not tags & {"script", "img", "b", "iframe", "object"}
    assert not {name for name in attributes if name.startswith("on")}
    assert Page(page).links == ["https://flux.example/c/c4"]
    assert page.count("</style>") == 1
    assert "\u202e" not in page
    assert "49" not in subject(catch_up)
    assert not re.search(r"[\r\n]", subject(catch_up))


def test_ten_thousand_events_fit_what_a_mail_program_shows_whole(story) -> None:
    """Gmail clips at 102 kB (email-bugs #41, this-week-in-rust #1096)."""
    catch_up = ten_thousand(story)
    page = html(catch_up, LINKS)

    assert catch_up.accounted.events == 10_000
    assert len(page.encode()) <= MOST
    assert page.count(f'href="{LINKS.web}"') > 1
    assert page.rstrip().endswith("</html>")


def test_a_flood_fits_and_says_what_was_left_out(story) -> None:
    catch_up = flood(story)
    page = html(catch_up)

    assert len(page.encode()) <= MOST
    told = int("".join(re.findall(r"Waiting on you <span[^>]*>(\d+)", page)))
    left = int("".join(re.findall(r"and ([\d,]+) more<", page)[:1]).replace(",", ""))
    assert told == 400
    assert page.count("#fff6e8") == 1
    assert left + page.count("mentions you · ") == told


def test_what_was_cut_on_one_board_names_it_once(story) -> None:
    """Cards of a board that is the only one are told without its name; the board's own news has it."""
    for card in ("c3", "c6"):
        story.tell("card.updated", "ana", card, before={"title": "Old"}, after={"title": card})
    story.tell("column.updated", "ana", board="web", entity="column", id="todo", before={"title": "A"}, after={"title": "B"})  # fmt: skip

    shown = laid_out(story.read(), {**LIMITS, "Moved": 0})

    assert [block.left_out for block in shown.blocks] == ["and 3 more"]


def test_the_subject_is_the_news(story) -> None:
    story.move("chen", "c3", "todo", "done")
    assert subject(story.read()) == "Tue: 1 done · Web shop"

    story.move("chen", "c4", "todo", "doing")
    assert subject(story.read()) == "Tue: 1 done · 1 moved · 2 boards"

    story.say("ana", "c6", "@ben?")
    assert subject(story.read()) == "Tue: Ana Lima mentioned you on “Receipts as PDF” · 1 done · 2 boards"

    story.say("ana", "c7", "@ben!")
    assert subject(story.read()) == "Tue: 2 waiting on you · 1 done · 2 boards"


def test_json_has_the_shape_scripts_rely_on(story) -> None:
    told = json.loads(as_json(busy(story)))

    assert set(told) == {"person", "zone", "window", "from_at", "to_at", "counts", "sections", "accounted"}
    line = told["sections"][0]["lines"][0]
    assert {"card_id", "card", "board", "kind", "text", "reason", "actors", "at", "url", "events"} <= set(
        line
    )
    listed = told["accounted"]["shown"] + told["accounted"]["folded"]
    listed += [offset for offsets in told["accounted"]["excluded"].values() for offset in offsets]
    assert sorted(listed) == list(range(told["window"]["after"] + 1, told["window"]["upto"] + 1))
    assert told["counts"]["events"] == len(listed)


def test_the_same_window_gives_the_same_bytes(story) -> None:
    catch_up = busy(story)

    assert html(catch_up) == html(replace(catch_up))
    assert text(catch_up) == text(replace(catch_up))


def channels(colour: str) -> list[float]:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: str, other: str) -> float:
    bright = sorted(
        sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), channels(colour), strict=True))
        for colour in (one, other)
    )
    return (bright[1] + 0.05) / (bright[0] + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#fff6e8"])
@pytest.mark.parametrize("ink", ["#1c2430", "#566070", "#9a4a00", "#1d6b41"])
def test_every_light_colour_is_readable_and_in_use(story, ink: str, ground: str) -> None:
    assert contrast(ink, ground) >= 4.5
    assert f"color:{ink}" in html(busy(story))


@pytest.mark.parametrize("ground", ["#1b2027", "#2b241a"])
@pytest.mark.parametrize("ink", ["#e8ebf0", "#a7b0be", "#f3b562", "#7fcf9f"])
def test_every_dark_colour_is_readable_and_in_use(story, ink: str, ground: str) -> None:
    assert contrast(ink, ground) >= 4.5
    assert f"color: {ink}" in html(busy(story))
