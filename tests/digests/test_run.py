"""A run sends each person's digest once, whatever happens in between."""

from __future__ import annotations

import mailbox
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from digests import ledger
from digests.audit import audit, check
from digests.deliver import DeliveryDeferred, DeliveryRefused, Memory, Parcel
from digests.gather import gather
from digests.people import change, find, import_people
from digests.run import loop, preview, run
from digests.schedule import due
from small_team import PEOPLE, Team, board, fill
from warehouse.home import Home
from warehouse.model import Entity, Snapshot
from warehouse.reading import NothingPublished

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
"""10:00 in Berlin and 18:00 in Tokyo: due; 05:00 in New York: not yet."""


@pytest.fixture
def team(home: Home) -> Team:
    return fill(home)


@dataclass(frozen=True)
class Stubborn(Memory):
    """Fails for some recipients."""

    errors: dict[str, Exception] = field(default_factory=dict)

    def deliver(self, parcel: Parcel) -> None:
        if parcel.recipient in self.errors:
            raise self.errors[parcel.recipient]
        super().deliver(parcel)


def states(home: Home) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for digest in ledger.digests(home):
        found.setdefault(digest.person_id, []).append(digest.state)
    return found


def test_who_is_due_and_has_news_gets_one_mail_and_a_second_run_sends_none(team: Team) -> None:
    first = run(team.home, NOW)
    second = run(team.home, NOW + timedelta(minutes=1))

    assert (first.due, first.sent, first.skipped) == (2, 2, 0)
    assert (second.due, second.sent) == (0, 0)
    assert sorted(mail["To"] for mail in mailbox.Maildir(team.home.outbox)) == [
        "Ada Berlin <ada@example.org>", "Kenji Tokyo <kenji@example.org>",
    ]  # fmt: skip
    assert all(finding.ok for finding in audit(team.home))


def test_the_next_digest_begins_where_the_last_ended(team: Team) -> None:
    run(team.home, NOW)
    team.move("c7", "todo", "doing", actor="nia")

    run(team.home, NOW + timedelta(days=1))

    ada = [digest for digest in ledger.digests(team.home, "ada-berlin") if digest.state == "sent"]
    assert [(one.window.after, one.window.upto) for one in ada] == [(0, 4), (4, 5)]


def test_boards_that_were_only_looked_at_yet_leave_no_receipt(home: Home) -> None:
    """On the first start the boards are seen a moment before their story is read: the slot waits for it."""
    team = Team(home, NOW)
    team.append(snapshot=board(NOW))
    (home.root / "people.toml").write_text(PEOPLE)
    import_people(home, home.root / "people.toml", NOW)
    assert (run(home, NOW).due, states(home)) == (0, {})

    team.move("c7", "todo", "doing", actor="nia")
    assert run(home, NOW + timedelta(minutes=1)).sent == 2


def test_nothing_to_tell_leaves_a_receipt_and_no_mail(team: Team) -> None:
    run(team.home, NOW)
    report = run(team.home, NOW + timedelta(days=1))

    assert (report.sent, report.skipped) == (0, 2)
    assert len(mailbox.Maildir(team.home.outbox)) == 2
    assert [digest.reason for digest in ledger.digests(team.home, states=("skipped",))] == [
        "nothing to tell"
    ] * 2
    assert run(team.home, NOW + timedelta(days=1, minutes=1)).skipped == 0


def test_what_was_read_on_the_page_is_not_mailed_and_undo_brings_it_back(team: Team) -> None:
    ledger.caught_up(team.home, "ada-berlin", 4, NOW)
    assert not list(gather(team.home, find(team.home, "ada-berlin"), now=NOW).lines)

    assert ledger.undo_caught_up(team.home, "ada-berlin", NOW)
    assert not ledger.undo_caught_up(team.home, "ada-berlin", NOW)

    assert list(gather(team.home, find(team.home, "ada-berlin"), now=NOW).lines)


def test_one_refusal_costs_nobody_else_theirs(team: Team) -> None:
    carrier = Stubborn(errors={"ada@example.org": DeliveryRefused("no such user")})

    report = run(team.home, NOW, carrier=carrier)

    assert (report.sent, report.refused, report.ok) == (1, 1, False)
    assert [parcel.recipient for parcel in carrier.sent.values()] == ["kenji@example.org"]
    assert any("no such user" in finding.text for finding in check(team.home, NOW))


def test_a_carrier_that_breaks_costs_nobody_else_theirs_and_is_tried_again(team: Team) -> None:
    carrier = Stubborn(errors={"ada@example.org": RuntimeError("a bug")})

    assert run(team.home, NOW, carrier=carrier).failed == 1
    assert run(team.home, NOW, carrier=carrier).failed == 1
    carrier.errors.clear()
    assert run(team.home, NOW, carrier=carrier).sent == 1

    assert len(carrier.sent) == 2


def test_after_a_refusal_the_next_digest_covers_the_gap(team: Team) -> None:
    run(team.home, NOW, carrier=Stubborn(errors={"ada@example.org": DeliveryRefused("no such user")}))

    report = run(team.home, NOW + timedelta(days=1))

    assert report.sent == 1
    assert ledger.cursor(team.home, "ada-berlin").window.upto == 4  # type: ignore[union-attr]
    assert all(finding.ok for finding in audit(team.home))


def test_a_mail_put_off_is_tried_again_as_the_same_mail(team: Team) -> None:
    carrier = Stubborn(errors={"ada@example.org": DeliveryDeferred("greylisted")})
    run(team.home, NOW, carrier=carrier)
    (put_off,) = ledger.digests(team.home, states=("deferred",))
    carrier.errors.clear()

    assert run(team.home, NOW + timedelta(seconds=30), carrier=carrier).sent == 0
    assert run(team.home, NOW + timedelta(minutes=1), carrier=carrier).sent == 1

    assert put_off.message_id in carrier.sent
    assert carrier.sent[put_off.message_id].message == ledger.message(team.home, put_off.digest_id)


def test_a_mail_put_off_five_times_is_given_up_visibly(team: Team) -> None:
    carrier = Stubborn(errors={"ada@example.org": DeliveryDeferred("greylisted")})
    for hour in range(6):
        run(team.home, NOW + timedelta(hours=hour), carrier=carrier)

    assert states(team.home)["ada-berlin"] == ["refused"]


def test_a_mail_put_off_until_the_next_day_is_covered_by_the_next(team: Team) -> None:
    carrier = Stubborn(errors={"ada@example.org": DeliveryDeferred("greylisted")})
    run(team.home, NOW, carrier=carrier)
    team.move("c7", "todo", "doing", actor="nia")
    run(team.home, NOW + timedelta(days=1), carrier=carrier)
    carrier.errors.clear()

    run(team.home, NOW + timedelta(days=1, hours=1), carrier=carrier)

    assert states(team.home)["ada-berlin"] == ["skipped", "sent"]
    assert all(finding.ok for finding in audit(team.home))


def test_a_mail_put_off_is_not_sent_once_it_was_read_on_the_page(team: Team) -> None:
    carrier = Stubborn(errors={"ada@example.org": DeliveryDeferred("greylisted")})
    run(team.home, NOW, carrier=carrier)
    ledger.caught_up(team.home, "ada-berlin", 4, NOW)
    carrier.errors.clear()

    assert run(team.home, NOW + timedelta(hours=1), carrier=carrier).sent == 0


def test_two_runs_at_once_send_each_mail_once(team: Team) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Memory):
        def deliver(self, parcel: Parcel) -> None:
            inside.set()
            assert go_on.wait(20)
            super().deliver(parcel)

    carrier = Slow()
    worker = threading.Thread(target=run, args=(team.home, NOW), kwargs={"carrier": carrier})
    worker.start()
    assert inside.wait(20)

    second = run(team.home, NOW, carrier=carrier)

    go_on.set()
    worker.join(20)
    assert (second.sent, second.failed) == (0, 0)
    assert len(carrier.sent) == 2
    assert states(team.home) == {"ada-berlin": ["sent"], "kenji-tokyo": ["sent"]}


def test_a_patient_run_waits_for_what_another_has_in_hand(team: Team) -> None:
    ledger.plan(team.home, [("ada-berlin", due(find(team.home, "ada-berlin"), NOW).at)], NOW)  # type: ignore[union-attr]
    assert ledger.take_due(team.home, "another", NOW, limit=1)
    threading.Timer(0.3, ledger.give_back, [team.home, "another"]).start()

    report = run(team.home, NOW, carrier=Memory(), patience=timedelta(seconds=20))

    assert (report.sent, report.due) == (2, 2)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(team: Team) -> None:
    said: list[str] = []

    report = run(team.home, NOW, dry_run=True, say=said.append)

    assert report.sent == 2
    assert said[0].startswith("would send ada-berlin: Tue: ")
    assert ledger.digests(team.home) == []
    assert not team.home.outbox.exists()


def test_who_has_no_address_gets_a_receipt(team: Team) -> None:
    path = team.home.root / "more.toml"
    path.write_text('[[people]]\nname = "Ada Berlin"\nmembers = ["flux:ada"]\nzone = "Europe/Berlin"\n')
    import_people(team.home, path, NOW)

    run(team.home, NOW)

    (receipt,) = ledger.digests(team.home, "ada-berlin")
    assert (receipt.state, receipt.reason) == ("skipped", "no e-mail address")


def test_a_preview_is_the_mail_and_leaves_no_trace(team: Team) -> None:
    message = preview(team.home, find(team.home, "ada-berlin"), NOW)
    run(team.home, NOW)

    (sent,) = [mail for mail in mailbox.Maildir(team.home.outbox) if "ada" in mail["To"]]
    assert sent["Message-ID"] == message["Message-ID"]
    assert sent.get_payload()[0].get_payload() == message.get_payload()[0].get_payload()  # type: ignore[union-attr,index]


def test_before_anything_is_published_a_run_says_so(home: Home) -> None:
    with pytest.raises(NothingPublished):
        run(home, NOW)


def test_the_loop_sends_and_stops_when_told(team: Team) -> None:
    stop, carrier = threading.Event(), Memory()
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("digests "):
            stop.set()

    loop(team.home, lambda: NOW, stop, carrier=carrier, say=say)

    assert len(carrier.sent) == 2
    assert said[-1] == "digests due=2 sent=2 skipped=0 deferred=0 refused=0 failed=0 without_zone=0"


def test_a_board_that_cannot_be_read_costs_nobody_else_their_mail(team: Team) -> None:
    """Kenji's slot is the first; what is wrong is on a board of Ada's."""
    ada = Entity("member", "ada", {"name": "Ada Berlin", "username": "ada", "kind": "human"})
    too_deep = orjson.Fragment(b'{"a":' * 3000 + b"1" + b"}" * 3000)
    wrong = team.event("card.updated", "x1", "ada", timedelta(hours=1), before=too_deep)
    team.append(replace(wrong, board_id="b2"), snapshot=Snapshot("flux", "b2", NOW, (ada,)))

    report = run(team.home, NOW)

    assert (report.sent, report.failed) == (1, 1)
    assert states(team.home) == {"kenji-tokyo": ["sent"], "ada-berlin": ["due"]}


def test_what_people_choose_while_others_are_sent_theirs_holds_for_their_own(team: Team) -> None:
    @dataclass(frozen=True)
    class Slow(Stubborn):
        def deliver(self, parcel: Parcel) -> None:
            super().deliver(parcel)
            change(team.home, find(team.home, "ada-berlin"), {"email": "ada@new.example"}, NOW)

    early = NOW - timedelta(hours=4)  # 06:00 in Berlin
    run(team.home, early, carrier=Stubborn(errors={"kenji@example.org": DeliveryDeferred("busy")}))
    carrier = Slow()

    run(team.home, NOW, carrier=carrier)

    assert [parcel.recipient for parcel in carrier.sent.values()] == ["kenji@example.org", "ada@new.example"]


def test_what_goes_wrong_before_a_run_keeps_nobody_from_their_mail(team: Team) -> None:
    stop, carrier = threading.Event(), Memory()

    def fails(now: datetime) -> None:
        raise OSError("a mailbox nobody can read")

    def say(line: str) -> None:
        if line.startswith("digests "):
            stop.set()

    loop(team.home, lambda: NOW, stop, carrier=carrier, say=say, first=fails)

    assert len(carrier.sent) == 2


def test_doctor_says_who_cannot_be_told(team: Team) -> None:
    path = team.home.root / "more.toml"
    path.write_text('[[people]]\nname = "Ada Berlin"\nmembers = ["flux:ada"]\nemail = "ada@example.org"\n')
    import_people(team.home, path, NOW)

    findings = [finding for finding in check(team.home, NOW) if finding.next_step]

    assert [finding.text for finding in findings] == ["1 of 3 have no zone and get no mail: Ada Berlin"]
    assert "people.toml" in findings[0].next_step
