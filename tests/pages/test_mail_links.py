"""The dashboard's own server answers what mails lead to, beside its pages."""

from __future__ import annotations

import httpx

from digests.model import Cadence
from digests.people import find
from digests.web import tokens
from small_team import App, Team


def test_the_dashboards_server_takes_a_mail_programs_one_click(live: tuple[App, Team]) -> None:
    app, team = live
    way = f"{app.url}/unsubscribe/{tokens.signed(team.home, 'unsubscribe', 'nia-new-york', 0, 4)}"

    asked = httpx.get(way)
    assert (asked.status_code, find(team.home, "nia-new-york").cadence) == (200, Cadence())
    done = httpx.post(way, data={"List-Unsubscribe": "One-Click"})

    assert (done.status_code, done.history, done.headers.get("set-cookie")) == (200, [], None)
    assert find(team.home, "nia-new-york").cadence == Cadence("never")
    undone = httpx.post(way, data={"do": "again"})
    assert undone.status_code == 200
    assert find(team.home, "nia-new-york").cadence == Cadence()
