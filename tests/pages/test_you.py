"""The You page: what a person chooses is shown at once, kept when they say so, and used by everything else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from digests import ledger
from digests.ledger import NOTHING, Made
from digests.model import Pause
from digests.people import find, import_people
from small_team import NOW, Team, mailed
from warehouse.model import Window

Page = Callable[..., AppTest]
ADA = "you_ada-berlin_"


@pytest.fixture
def you(team: Team, page: Page) -> AppTest:
    test = page("you", person="Ada Berlin")
    assert not test.exception
    return test


def words(test: AppTest) -> str:
    return "\n".join(str(getattr(one.proto, "body", "") or getattr(one, "value", "")) for one in test.main)


def button(test: AppTest, label: str):
    return next((one for one in test.button if one.label == label), None)


def mail(test: AppTest) -> str:
    """The mail that is shown."""
    (frame,) = (one for one in test.main if one.type == "iframe")
    return base64.b64decode(frame.proto.src.partition("base64,")[2]).decode()


def test_before_anything_is_chosen_it_shows_what_is_and_has_nothing_to_save(you: AppTest) -> None:
    assert "Wed 11 Mar 2026 08:00 +01:00" in words(you)
    assert "mentioned you" in mail(you)
    assert button(you, "Save") is None

    you.multiselect(key=ADA + "send_at").set_value(["8 o’clock"]).run()
    assert "is not a time of day" in you.error[0].value.replace("\\", "")
    assert button(you, "Save") is None, "what cannot be is not kept"


def test_what_is_chosen_shows_at_once_and_is_kept_when_saved(you: AppTest, team: Team) -> None:
    you.selectbox(key=ADA + "zone").select("Asia/Tokyo")
    you.selectbox(key=ADA + "cadence").select("weekly").run()
    you.button_group(key=ADA + "weekly_on").set_value("fri").run()
    assert "Fri 13 Mar 2026 08:00 +09:00" in words(you)
    assert find(team.home, "ada-berlin").zone == "Europe/Berlin"

    button(you, "Save").click().run()

    ada = find(team.home, "ada-berlin")
    assert (ada.zone, ada.cadence.name, ada.cadence.on) == ("Asia/Tokyo", "weekly", "fri")
    assert "Saved." in you.success[0].value
    assert button(you, "Save") is None


def test_discard_brings_back_what_is_kept(you: AppTest) -> None:
    you.selectbox(key=ADA + "zone").select("Asia/Tokyo").run()
    button(you, "Discard").click().run()

    assert you.selectbox(key=ADA + "zone").value == "Europe/Berlin"
    assert button(you, "Save") is None


def test_a_muted_board_and_a_section_left_out_are_gone_from_the_mail_shown(you: AppTest) -> None:
    assert ">Moved" in mail(you) or ">Yours" in mail(you)
    you.button_group(key=ADA + "sections").set_value([]).run()
    assert ">Yours" not in mail(you)
    assert "in sections you left out" in mail(you)

    you.multiselect(key=ADA + "muted").set_value(["b1"]).run()

    assert "on boards you muted" in mail(you)


def test_a_pause_is_picked_added_saved_and_removed(you: AppTest, team: Team) -> None:
    you.date_input(key=ADA + "pause").set_value((date(2026, 3, 11), date(2026, 3, 13))).run()
    button(you, "Add this pause").click().run()
    assert "pause" in words(you)
    button(you, "Save").click().run()
    assert find(team.home, "ada-berlin").pauses == (Pause(date(2026, 3, 11), date(2026, 3, 13)),)

    button(you, "Remove").click().run()
    button(you, "Save").click().run()

    assert find(team.home, "ada-berlin").pauses == ()


def test_who_has_no_zone_is_asked(team: Team, page: Page) -> None:
    text = (team.home.root / "people.toml").read_text().replace('zone = "Europe/Berlin"\n', "")
    (team.home.root / "people.toml").write_text(text)
    import_people(team.home, team.home.root / "people.toml", NOW)

    test = page("you", person="Ada Berlin")

    assert "where you live" in test.warning[0].value
    assert "where do they live?" in words(test)


def test_nothing_new_shows_how_the_last_week_would_read(team: Team, page: Page) -> None:
    ledger.caught_up(team.home, "ada-berlin", 4, NOW)

    test = page("you", person="Ada Berlin")

    assert "no mail would come" in words(test)
    assert "mentioned you" in mail(test)


def test_silence_says_when_it_looked_and_when_it_looks_again(team: Team, page: Page) -> None:
    slot = NOW - timedelta(hours=2)
    ledger.plan(team.home, [("ada-berlin", slot)], slot)
    (due,) = ledger.take_due(team.home, "w", slot, limit=1)
    nothing = Made(due.digest_id, "ada-berlin", Window(0, 4), NOTHING, why_not="nothing to tell")
    ledger.keep(team.home, "w", [nothing], slot)

    test = page("you", person="Ada Berlin")
    assert (
        "Checked 08:00 Europe/Berlin: nothing to tell, so no mail was sent. The next digest is due Wed 11 Mar 2026 08:00."
        in words(test)
    )
    mailed(team.home, "ada-berlin", Window(0, 4), NOW - timedelta(hours=1))
    assert "Your last mail is of 09:00 Europe/Berlin." in words(page("catch_up", person="Ada Berlin"))
