"""What users of other tools complain about in the mail they get, or do not get: each beaten here by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from threading import Thread

import pytest

from digests import ledger
from digests.deliver import DeliveryDeferred, Memory, Parcel, Smtp
from digests.ledger import LEASE
from digests.people import import_people
from digests.run import run
from full_outbox import NOW, Outbox, everybody
from mail_server import ANYBODY, DROP, serving
from small_team import PEOPLE, fill
from warehouse.home import Home


def test_duplicates_several_workers_at_once_send_each_mail_once(home: Home) -> None:
    """Sentry #86174, #71855: the same notification, twice and more."""
    outbox = Outbox(home, 40).fill()
    with serving() as server:
        workers = [Thread(target=outbox.send, args=(server,), kwargs={"worker": f"w{n}"}) for n in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)

    assert server.recipients == everybody(40)


def test_duplicates_a_worker_that_comes_back_late_does_not_undo_what_another_did(home: Home) -> None:
    """osu-web #6402: the job that ran on after its time told everything again."""
    outbox = Outbox(home, 3).fill()
    late = ledger.take(home, "late", NOW, limit=9)
    with serving() as server:
        outbox.send(server, NOW + LEASE)
        ledger.settle(
            home, "late", [ledger.Outcome(mail.digest_id, "deferred", "lost") for mail in late], NOW + LEASE
        )
        ledger.give_back(home, "late")
        outbox.send(server, NOW + LEASE * 2)

    assert server.recipients == everybody(3)
    assert outbox.states() == Counter(sent=3)


def test_never_sent_what_failed_is_sent_later_and_no_marker_has_moved_on(home: Home) -> None:
    """Sentry #123898; nextcloud's marker advances after a failed send; Plane marks before sending."""
    team = fill(home)

    class Down(Memory):
        def deliver(self, parcel: Parcel) -> None:
            raise DeliveryDeferred("not now")

    run(home, NOW, carrier=Down())
    assert ledger.cursors(home, ["ada-berlin", "kenji-tokyo"]) == {}, "nobody counts as told"
    team.move("c7", "todo", "doing", actor="nia")
    carrier = Memory()
    run(home, NOW + timedelta(days=1), carrier=carrier)

    told = {parcel.recipient: parcel.message.decode() for parcel in carrier.sent.values()}
    assert set(told) == {"ada@example.org", "kenji@example.org"}
    assert ledger.cursors(home, ["ada-berlin"])["ada-berlin"].window.after == 0
    assert "Card number 3" in told["ada@example.org"], "what the failed mail said"
    assert "Card number 7" in told["kenji@example.org"], "and what is new"


def test_never_sent_a_restart_loses_nothing_that_waits(home: Home) -> None:
    """Mattermost keeps batches in memory: a restart loses them."""
    outbox = Outbox(home).fill()
    ledger.close(home)

    with serving() as server:
        Outbox(home).send(server)

    assert server.recipients == everybody(outbox.people)


@pytest.mark.parametrize("fault", ["550 5.1.1 no such user", "451 4.7.1 later", DROP])
def test_one_refusal_stopped_the_batch_whoever_comes_first(home: Home, fault: str) -> None:
    """bytedeck PR 2510: the first address that was refused ended the morning for all after it."""
    outbox = Outbox(home).fill()
    with serving(faults={("rcpt", "p0@example.org"): fault}) as server:
        outbox.send(server)

    assert server.recipients == everybody()[1:]


def test_wrong_recipients_each_mail_goes_to_its_person_alone(home: Home) -> None:
    """Hilary PR 1216, Zulip #33190: somebody read what was meant for somebody else."""
    outbox = Outbox(home, 40).fill()
    with serving(faults={("mail", ANYBODY): "450 4.7.1 slow down"}) as server:
        outbox.while_waiting = server.faults.clear
        outbox.send(Smtp.at(f"{server.url}?connections=8"))

    for taken in server.taken:
        mail = message_from_bytes(taken.content, policy=policy.default)
        who = taken.recipient.partition("@")[0]
        assert (mail["To"], mail["Cc"], mail["Bcc"]) == (taken.recipient, None, None)
        assert mail.get_content().startswith(f"News for {who}.")
    assert server.recipients == everybody(40)


def test_wrong_recipients_an_address_that_changed_meanwhile_gets_no_mail(home: Home) -> None:
    fill(home)

    class Down(Memory):
        def deliver(self, parcel: Parcel) -> None:
            raise DeliveryDeferred("not now")

    run(home, NOW, carrier=Down())
    home.people_file.write_text(PEOPLE.replace("ada@example.org", "ada@new.example"))
    import_people(home, home.people_file, NOW)
    carrier = Memory()
    run(home, NOW + timedelta(hours=1), carrier=carrier)

    assert sorted(parcel.recipient for parcel in carrier.sent.values()) == [
        "ada@new.example",
        "kenji@example.org",
    ]
    assert all(
        f"To: Ada Berlin <{one.recipient}>" in one.message.decode()
        for one in carrier.sent.values()
        if "ada" in one.recipient
    )


def test_retry_storm_a_server_that_was_down_is_not_met_by_all_at_once(home: Home) -> None:
    outbox = Outbox(home, 60).fill()
    with serving(faults={("connect", ANYBODY): "421 4.3.2 going down"}) as server:
        outbox.send(server)
        pressed = server.asked["connect"]
        server.faults.clear()
        outbox.send(replace(Smtp.at(server.url), connections=3), NOW + timedelta(minutes=1))

    assert pressed <= 5
    assert server.asked["connect"] - pressed <= 3
    assert server.recipients == everybody(60)
