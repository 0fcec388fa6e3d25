"""Whatever a mail server does to one mail: nobody else is affected, nothing is lost, nothing is told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Event

import pytest

from digests import ledger
from digests.deliver import Smtp
from digests.ledger import LEASE
from digests.send import ATTEMPTS, Sending, pause
from full_outbox import NOW, Outbox, as_parcel, everybody
from mail_server import ANYBODY, DROP, HANG, SLOW, serving
from running import free_port
from warehouse.home import Home

ONE = "p3@example.org"
"""The recipient, of all, that something is wrong with."""


@pytest.fixture
def outbox(home: Home) -> Outbox:
    return Outbox(home).fill()


# What the server does to the mail of one of eight; what becomes of that mail; whether its address is suppressed.
FAULTS = [
    ("rcpt", "550 5.1.1 no such user", "refused", True),
    ("rcpt", "550 not here", "refused", False),
    ("rcpt", "552 5.2.2 mailbox full", "refused", False),
    ("rcpt", "451 4.7.1 greylisted, come back", "deferred", False),
    ("rcpt", "nonsense", "deferred", False),
    ("rcpt", DROP, "deferred", False),
    ("rcpt", HANG, "deferred", False),
    ("data", "554 5.7.1 not from you", "refused", False),
    ("data", "451 4.3.0 try later", "deferred", False),
    ("body", DROP, "deferred", False),
    ("body", HANG, "deferred", False),
    ("end", "554 5.7.1 spam", "refused", False),
    ("end", "452 4.3.1 disk full", "deferred", False),
    ("end", DROP, "deferred", False),
    ("end", HANG, "deferred", False),
]


@pytest.mark.parametrize(("stage", "fault", "state", "suppressed"), FAULTS)
def test_what_is_done_to_one_mail_costs_nobody_else_theirs(
    outbox: Outbox, stage: str, fault: str, state: str, suppressed: bool
) -> None:
    with serving(faults={(stage, ONE): fault}) as server:
        outbox.send(server)

    assert server.recipients == [one for one in everybody() if one != ONE]
    assert outbox.states() == Counter({"sent": 7, state: 1})
    assert outbox.of(ONE).reason
    assert list(ledger.suppressions(outbox.home)) == ([ONE] if suppressed else [])
    assert outbox.waits == []


def test_a_mail_that_was_put_off_is_sent_when_the_fault_is_over_and_nobody_elses_again(
    outbox: Outbox,
) -> None:
    with serving(faults={("end", ONE): HANG}) as server:
        outbox.send(server)
        server.faults.clear()
        outbox.send(server, NOW + timedelta(seconds=30))
        assert ONE not in server.recipients
        outbox.send(server, NOW + timedelta(minutes=1))

    assert server.recipients == everybody()
    assert outbox.states() == Counter(sent=8)


def test_a_mail_taken_and_lost_before_the_answer_is_repeated_as_the_same_mail(outbox: Outbox) -> None:
    with serving(faults={("taken", ONE): DROP}) as server:
        outbox.send(server)
        server.faults.clear()
        outbox.send(server, NOW + timedelta(minutes=1))

    twice = [one for one in server.taken if one.recipient == ONE]
    assert len(twice) == 2
    assert twice[0] == twice[1], "the same Message-ID and the same bytes"
    assert len(server.taken) == 9


def test_one_refusal_of_fifty_costs_no_connection_and_no_mail(home: Home) -> None:
    outbox = Outbox(home, 50).fill()
    with serving(
        faults={("rcpt", ONE): "550 5.1.1 no such user", ("end", "p9@example.org"): "554 spam"}
    ) as server:
        outbox.send(Smtp.at(f"{server.url}?connections=1"))

    assert server.recipients == [one for one in everybody(50) if one not in (ONE, "p9@example.org")]
    assert server.asked["connect"] == 1


def test_a_server_that_takes_its_time_over_a_mail_is_waited_for_so_that_nothing_is_sent_twice(
    outbox: Outbox,
) -> None:
    with serving(faults={("taken", ONE): SLOW}) as server:
        outbox.send(replace(Smtp.at(server.url), timeout=0.3, patience=20))

    assert server.recipients == everybody()
    assert outbox.states() == Counter(sent=8)


def test_a_server_that_is_down_is_asked_once_however_many_mails_wait(outbox: Outbox) -> None:
    with serving(faults={("connect", ANYBODY): "554 5.7.1 not you"}) as server:
        outbox.send(server, at_once=2)

    assert server.asked["connect"] == 1
    assert outbox.states() == Counter(deferred=2, rendered=6)


def test_a_server_that_is_down_costs_nobody_a_try(outbox: Outbox) -> None:
    nowhere = Smtp.at(f"smtp://127.0.0.1:{free_port()}")

    for minute in range(ATTEMPTS + 1):
        outbox.send(nowhere, NOW + timedelta(minutes=2 * minute))

    assert outbox.states() == Counter(deferred=8)
    assert {digest.attempts for digest in ledger.digests(outbox.home)} == {0}
    assert ledger.suppressions(outbox.home) == {}
    with serving() as server:
        outbox.send(server, NOW + timedelta(hours=1))
    assert server.recipients == everybody()


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("connect", "421 4.3.2 going down"),
        ("connect", "554 5.7.1 not you"),
        ("connect", DROP),
        ("mail", "450 4.7.1 too fast"),
        ("mail", "550 5.7.1 not from there"),
        ("mail", "421 4.7.0 too fast"),
    ],
)
def test_what_is_wrong_between_the_server_and_us_is_no_fault_of_any_recipient(
    outbox: Outbox, stage: str, answer: str
) -> None:
    with serving(faults={(stage, ANYBODY): answer}) as server:
        for hour in range(2):
            outbox.send(server, NOW + timedelta(hours=hour))
        assert server.asked[stage] <= 2 * 5, "a server in trouble is not pressed"

        server.faults.clear()
        outbox.send(server, NOW + timedelta(hours=2))

    assert server.recipients == everybody()
    assert {digest.attempts for digest in ledger.digests(outbox.home)} == {0}


def test_a_server_that_limits_the_rate_gets_its_pauses_and_then_every_mail(outbox: Outbox) -> None:
    with serving(faults={("mail", ANYBODY): "450 4.7.1 slow down"}) as server:
        outbox.while_waiting = lambda: server.faults.clear() if len(outbox.waits) == 3 else None
        outbox.send(server)

    assert outbox.waits == [1, 2, 4]
    assert server.recipients == everybody()


def test_a_server_that_ends_connections_early_gets_every_mail_on_new_ones(outbox: Outbox) -> None:
    with serving(most_mails=3) as server:
        outbox.send(server)

    assert server.recipients == everybody()
    assert outbox.states() == Counter(sent=8)


def test_a_server_that_takes_few_connections_gets_every_mail_on_those(outbox: Outbox) -> None:
    with serving(most_connections=1) as server:
        outbox.send(server)

    assert server.recipients == everybody()
    assert outbox.waits == []


def test_connections_are_kept_and_no_more_than_allowed(home: Home) -> None:
    outbox = Outbox(home, 40).fill()
    with serving() as server:
        outbox.send(Smtp.at(f"{server.url}?connections=2"))

    assert len(server.taken) == 40
    assert server.asked["connect"] <= 2


def test_no_retry_storm_a_server_that_puts_everybody_off_is_not_asked_for_all(home: Home) -> None:
    outbox = Outbox(home, 60).fill()
    with serving(faults={("rcpt", ANYBODY): "451 4.3.0 not today"}) as server:
        outbox.send(server)
        assert server.asked["rcpt"] < 25
        assert outbox.states() == Counter(deferred=60)

        server.faults.clear()
        outbox.send(server, NOW + timedelta(minutes=1))

    assert len(server.taken) == 60


def test_no_retry_storm_mails_put_off_together_do_not_come_back_together() -> None:
    waits = [[pause(f"<{n}@d>", attempt) for n in range(100)] for attempt in range(1, ATTEMPTS)]

    for before, after in pairwise(waits):
        assert max(before) < min(after)
    assert all(len(set(each)) == 100 for each in waits)
    assert max(waits[0]) <= timedelta(minutes=1)
    assert pause("<1@d>", 1) == pause("<1@d>", 1)


def test_an_address_put_off_five_times_gets_no_more_mail_visibly(outbox: Outbox) -> None:
    with serving(faults={("rcpt", ONE): "451 4.2.2 over quota"}) as server:
        for hour in range(ATTEMPTS + 1):
            outbox.send(server, NOW + timedelta(hours=2 * hour))
        assert server.asked["rcpt"] == 7 + ATTEMPTS

    assert outbox.of(ONE).state == "refused"
    assert "put off 5 times" in ledger.suppressions(outbox.home)[ONE].reason


def test_a_connection_that_has_ended_meanwhile_is_opened_again_without_a_word(outbox: Outbox) -> None:
    with serving(timeout=0.3) as server:
        carrier = Smtp.at(f"{server.url}?connections=1")
        with carrier.session() as session:
            mails = ledger.take(outbox.home, "w", NOW, limit=2)
            session.deliver(as_parcel(mails[0]))
            assert Event().wait(0.6) is False
            session.deliver(as_parcel(mails[1]))

    assert len(server.taken) == 2


def test_stopped_in_the_middle_what_was_not_begun_lies_in_the_outbox(outbox: Outbox) -> None:
    stop = Event()
    with serving() as server:
        carrier = Smtp.at(f"{server.url}?connections=1")
        Sending(outbox.home, carrier, "w", lambda: NOW, lambda _: stop.set(), stop, stop.wait).all()
        ledger.give_back(outbox.home, "w")
        assert outbox.states() == Counter(sent=1, rendered=7)

        outbox.send(server, worker="another")

    assert server.recipients == everybody()


def test_a_worker_that_takes_longer_than_its_lease_keeps_what_it_has_in_hand(outbox: Outbox) -> None:
    """The clock stands at each mail for longer than a third of the lease; another looks in between."""
    ticks = iter(range(10_000))
    stolen: list[Sequence[object]] = []

    def clock() -> datetime:
        return NOW + LEASE / 2 * next(ticks)

    def look(_: str) -> None:
        stolen.append(ledger.take(outbox.home, "thief", clock(), limit=99))

    with serving() as server:
        Sending(
            outbox.home, Smtp.at(f"{server.url}?connections=1"), "w", clock, look, Event(), lambda _: None
        ).all()

    assert not any(stolen)
    assert server.recipients == everybody()
