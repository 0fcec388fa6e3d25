"""Whatever people write on cards, a mail keeps its shape: no markup, header, link or template comes out of it."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from digests.mail import Letterhead, compose
from digests.model import CatchUp, Links
from digests.render import MOST

LINKS = Links(
    "https://d.example",
    "https://d.example/mail/x",
    "https://d.example/unsubscribe/x",
    "https://d.example/u/x",
)
HEADERS = """
Message-ID Date From To Subject List-Id Feedback-ID Auto-Submitted X-Auto-Response-Suppress List-Unsubscribe
List-Unsubscribe-Post MIME-Version Content-Type
""".split()
EVIL = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</td></tr></table>", "</style><style>*{display:none}",
    "<!-- ", "]]>", "&lt;b&gt;&#0;", "expression(alert(1))", "\r\nBcc: x@evil.example", "\nContent-Type: text/html\n\n",
    "\u202etxt.exe\u202c", "\u2066\u2069\u200f", "\x00\x07\x1b[31m", "javascript:alert(1)", "[click](javascript:alert(1))",
    "https://evil.example/' onmouseover='x", "data:text/html,<b>", "{{ 7 * 7 }}", "{% for x in y %}", "{# gone", "${7*7}",
    "=?utf-8?q?Bcc:?=", "\u2028\u2029\x85", "\ud83d", "\r\n.\r\n", "--=_daybreak_", "\U000e0041", "a\u0301" * 60, "W" * 300,
)  # fmt: skip
words = st.one_of(
    st.sampled_from(EVIL),
    st.lists(st.one_of(st.sampled_from(EVIL), st.text(max_size=30)), max_size=5).map("".join),
)


class Shape(HTMLParser):
    """The tags of a page, in order, with the names of their attributes; and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.styles: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self.styles += [value or "" for name, value in attrs if name in ("style", "class", "dir")]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", ()))


def told(story, title: str, name: str, comment: str, board: str, url: str) -> CatchUp:
    """A night on which these words stand everywhere that people write."""
    story = copy.deepcopy(story)
    for key in ("c1", "c3", "c4"):
        story.cards[key] = replace(story.cards[key], title=f"{title} {key}", url=url)
    story.members["flux:chen"] = replace(story.members["flux:chen"], name=f"{name} Chen", username=name)
    story.boards["web"] = replace(story.boards["web"], title=f"{board} web", url=url)
    story.columns["doing"] = replace(story.columns["doing"], title=f"{board} doing")
    story.person = replace(story.person, name=f"{name} Ben")
    story.say("chen", "c1", f"@ben {comment} ?")
    story.move("chen", "c3", "todo", "doing")
    story.move("chen", "c4", "todo", "done")
    story.tell("column.created", "chen", board="web", id="doing", after={"title": f"{board} doing"})
    return story.read()


def mailed(catch_up: CatchUp) -> EmailMessage:
    return compose(catch_up, Letterhead(links=lambda _: LINKS))


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found
    return str(found.get_content())


def stays_as_it_is(story, title: str, name: str, comment: str, board: str, url: str) -> None:
    harmless = Shape(part(mailed(told(story, "Card", "Wei", "look", "Board", "javascript:x")), "html"))
    mail = mailed(told(story, title, name, comment, board, url))
    page, plain = part(mail, "html"), part(mail, "plain")
    shape = Shape(page)

    assert shape.tags == harmless.tags
    assert shape.styles == harmless.styles
    assert shape.links == harmless.links
    assert set(re.findall(r"^\s*(\S+:\S+)$", plain, re.MULTILINE)) >= set(harmless.links)
    assert len(page.encode()) <= MOST
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f]", page + plain)
    head, _, _ = mail.as_bytes().partition(b"\r\n\r\n")
    assert [line.partition(b":")[0].decode() for line in re.split(rb"\r\n(?![ \t])", head)] == HEADERS
    assert len(mail.as_bytes().split(f"--{mail.get_boundary()}".encode())) == 4


unsafe_urls = st.sampled_from(
    ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "https://ok.example/\r\nX: y", "https://ok/'x", 'http://"', "ftp://x/y", "//evil.example", "vbscript:x"]
)  # fmt: skip
hostile = given(words, words, words, words, unsafe_urls)
quietly = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
MEGABYTE = "<b>&{{\u202e\x00 " * 100_000


@settings(max_examples=40, deadline=None, suppress_health_check=quietly)
@example("{{ 7 * 7 }}", "<b>", "</td>", "\r\nBcc: x@evil.example", "javascript:x")
@hostile
def test_hostile_words_change_no_structure_header_or_link(
    story, title: str, name: str, comment: str, board: str, url: str
) -> None:
    stays_as_it_is(story, title, name, comment, board, url)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=quietly)
@hostile
def test_five_hundred_hostile_nights_change_no_structure_header_or_link(
    story, title: str, name: str, comment: str, board: str, url: str
) -> None:
    stays_as_it_is(story, title, name, comment, board, url)


def test_a_megabyte_in_every_place_is_a_mail_like_any_other(story) -> None:
    stays_as_it_is(story, MEGABYTE, MEGABYTE, MEGABYTE, MEGABYTE, f"https://x.example/{'a' * 2000}")
