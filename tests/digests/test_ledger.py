"""The ledger keeps its promises on SQLite and on PostgreSQL: every case runs on both."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import Engine, event

from digests import ledger
from digests.ledger import LEASE, LedgerUnavailable, Made, Outcome
from warehouse.home import Home
from warehouse.model import Window

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
COUNTS = {"events": 4, "shown": 4, "folded": 0, "excluded": {}}


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, books: Callable[[str], Home]) -> Home:
    """An empty ledger in each of the two."""
    return books(request.param)


def made(
    books: Home, who: str, *, upto: int = 4, after: int = 0, worker: str = "w", now: datetime = NOW
) -> bool:
    """Plan, take and keep one mail; whether it was kept."""
    ledger.plan(books, [(who, now)], now)
    (row,) = [row for row in ledger.take_due(books, worker, now, limit=9) if row.person_id == who]
    mail = Made(
        row.digest_id, who, Window(after, upto), COUNTS, f"{who}@example.org", f"<{who}-{upto}@d>", b"\0mail",
        view=b"\0view",
    )  # fmt: skip
    return bool(ledger.keep(books, worker, [mail], now))


def states(books: Home) -> list[tuple[str, str]]:
    return [(digest.person_id, digest.state) for digest in ledger.digests(books)]


def test_a_slot_is_planned_once_whoever_plans_it(books: Home) -> None:
    slots = [("ada", NOW), ("ben", NOW)]

    assert ledger.plan(books, slots, NOW) == 2
    assert ledger.plan(books, [*slots, *slots], NOW + timedelta(minutes=1)) == 0

    assert states(books) == [("ada", "due"), ("ben", "due")]


def test_what_was_sent_since_somebody_was_here_is_unread(books: Home) -> None:
    ledger.keep_person_ids(books, {"flux:ada": "ada", "flux:ben": "ben"})
    for day in range(3):
        at = NOW + timedelta(days=day)
        for who in ("ada", "ben"):
            assert made(books, who, after=day, upto=day + 1, now=at)
        sent = [Outcome(mail.digest_id, "sent") for mail in ledger.take(books, "w", at, limit=9)]
        ledger.settle(books, "w", sent, at)
    assert ledger.unread(books) == {"ada": 3, "ben": 3}

    ledger.seen(books, "ada", NOW + timedelta(days=1, hours=1))
    ledger.caught_up(books, "ben", 3, NOW + timedelta(days=3))

    assert ledger.unread(books) == {"ada": 1}


def test_a_later_slot_takes_the_place_of_one_that_was_never_made(books: Home) -> None:
    ledger.plan(books, [("ada", NOW)], NOW)
    ledger.plan(books, [("ada", NOW + timedelta(hours=4))], NOW + timedelta(hours=4))

    assert states(books) == [("ada", "skipped"), ("ada", "due")]


def test_what_one_worker_holds_no_other_gets_until_the_lease_ends(books: Home) -> None:
    ledger.plan(books, [("ada", NOW)], NOW)
    assert [row.person_id for row in ledger.take_due(books, "first", NOW, limit=9)] == ["ada"]

    assert ledger.take_due(books, "second", NOW + LEASE - timedelta(seconds=1), limit=9) == []
    ledger.renew(books, "first", NOW + LEASE / 2)
    assert ledger.take_due(books, "second", NOW + LEASE, limit=9) == []

    assert len(ledger.take_due(books, "second", NOW + LEASE * 2, limit=9)) == 1


def test_a_mail_lies_in_the_outbox_as_it_was_made(books: Home) -> None:
    assert made(books, "ada")

    (mail,) = ledger.take(books, "w", NOW, limit=9)

    assert (mail.message, mail.recipient, mail.window) == (b"\0mail", "ada@example.org", Window(0, 4))
    assert ledger.message(books, mail.digest_id) == b"\0mail"
    assert ledger.digests(books)[0].slot_at == NOW


def test_workers_who_take_at_the_same_moment_take_different_mails(books: Home) -> None:
    for who in range(24):
        made(books, f"p{who}")
    taken: list[int] = []

    def work(worker: str) -> None:
        while mails := ledger.take(books, worker, NOW, limit=1):
            taken.extend(mail.digest_id for mail in mails)

    workers = [Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert len(taken) == len(set(taken)) == 24


def test_a_mail_under_way_is_taken_by_another_when_its_worker_has_died(books: Home) -> None:
    made(books, "ada")
    (mail,) = ledger.take(books, "dies", NOW, limit=9)

    assert ledger.take(books, "lives", NOW + LEASE / 2, limit=9) == []

    assert ledger.take(books, "lives", NOW + LEASE, limit=9) == [mail]


def test_that_a_mail_was_sent_is_kept_whoever_holds_it_by_now(books: Home) -> None:
    made(books, "ada")
    (mail,) = ledger.take(books, "slow", NOW, limit=9)
    ledger.take(books, "fast", NOW + LEASE, limit=9)

    ledger.settle(books, "slow", [Outcome(mail.digest_id, "deferred", "no")], NOW + LEASE)
    assert states(books) == [("ada", "sending")]

    ledger.settle(books, "slow", [Outcome(mail.digest_id, "sent")], NOW + LEASE)
    ledger.settle(books, "fast", [Outcome(mail.digest_id, "refused", "no")], NOW + LEASE)
    assert states(books) == [("ada", "sent")]


def test_a_mail_is_not_kept_when_its_reader_has_read_on_meanwhile(books: Home) -> None:
    ledger.plan(books, [("ada", NOW)], NOW)
    (row,) = ledger.take_due(books, "w", NOW, limit=9)
    ledger.caught_up(books, "ada", 3, NOW)

    late = Made(row.digest_id, "ada", Window(0, 4), COUNTS, "ada@example.org", "<a@d>", b"")
    assert ledger.keep(books, "w", [late], NOW) == []

    ledger.give_back(books, "w")
    assert states(books) == [("ada", "due")]


def test_nobodys_next_mail_is_made_while_one_is_on_its_way(books: Home) -> None:
    made(books, "ada")
    ledger.take(books, "sends", NOW, limit=9)

    ledger.plan(books, [("ada", NOW + timedelta(days=1))], NOW + timedelta(days=1))

    assert ledger.take_due(books, "makes", NOW + timedelta(days=1), limit=9) == []


def test_what_lies_in_the_outbox_still_is_told_by_the_next_mail(books: Home) -> None:
    made(books, "ada")
    made(books, "ada", upto=6, now=NOW + timedelta(days=1))

    assert states(books) == [("ada", "skipped"), ("ada", "rendered")]
    assert ledger.digests(books)[0].reason.startswith("covered by the next digest")


def test_a_worker_that_lost_what_it_made_keeps_nothing(books: Home) -> None:
    ledger.plan(books, [("ada", NOW)], NOW)
    (row,) = ledger.take_due(books, "slow", NOW, limit=9)
    ledger.take_due(books, "fast", NOW + LEASE, limit=9)

    mail = Made(row.digest_id, "ada", Window(0, 4), COUNTS, "ada@example.org", "<a@d>", b"")

    assert ledger.keep(books, "slow", [mail], NOW + LEASE) == []
    assert ledger.keep(books, "fast", [mail], NOW + LEASE) == [mail]


def test_an_address_that_mail_came_back_from_gets_none_until_it_is_lifted(books: Home) -> None:
    made(books, "ada")
    (mail,) = ledger.take(books, "w", NOW, limit=9)
    ledger.settle(
        books, "w", [Outcome(mail.digest_id, "refused", "550 5.1.1", suppress="Ada@example.org")], NOW
    )

    assert list(ledger.suppressions(books)) == ["ada@example.org"]
    made(books, "ada", upto=6, now=NOW + timedelta(days=1))
    assert ledger.take(books, "w", NOW + timedelta(days=1), limit=9) == []
    assert "550 5.1.1" in ledger.digests(books)[-1].reason

    assert ledger.unsuppress(books, "ADA@example.org")
    assert not ledger.unsuppress(books, "ada@example.org")


def test_cursors_are_the_furthest_of_what_was_read_and_what_was_sent(books: Home) -> None:
    for who in ("ada", "ben"):
        made(books, who)
    ledger.settle(
        books, "w", [Outcome(one.digest_id, "sent") for one in ledger.take(books, "w", NOW, limit=9)], NOW
    )
    ledger.caught_up(books, "ben", 7, NOW + timedelta(hours=1))
    ledger.caught_up(books, "cyn", 2, NOW)

    found = {who: read.window for who, read in ledger.cursors(books, ["ada", "ben", "cyn", "dan"]).items()}

    assert found == {"ada": Window(0, 4), "ben": Window(4, 7), "cyn": Window(0, 2)}
    assert found == {who: ledger.cursor(books, who).window for who in ("ada", "ben", "cyn")}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql+psycopg://me:secret@127.0.0.1:1/d", "127.0.0.1"),
        ("mysql://me:secret@host/d", "Write postgresql"),
        ("nonsense secret", "Write postgresql"),
        ("postgresql+nothing://me:secret@host/d", "Write postgresql"),
    ],
)
def test_a_ledger_that_cannot_be_reached_is_named_without_its_password(
    home: Home, url: str, words: str
) -> None:
    with pytest.raises(LedgerUnavailable, match=words) as raised:
        ledger.digests(replace(home, ledger_url=url))

    assert "secret" not in str(raised.value)


def test_who_has_a_next_digest_due_gets_one_mail_and_not_two(books: Home) -> None:
    made(books, "ada")
    made(books, "ben")
    ledger.plan(books, [("ada", NOW + timedelta(days=1))], NOW + timedelta(days=1))

    assert [mail.person_id for mail in ledger.take(books, "w", NOW + timedelta(days=1), limit=9)] == ["ben"]


def test_a_new_address_does_not_inherit_the_tries_of_the_old_one(books: Home) -> None:
    made(books, "ada")
    (mail,) = ledger.take(books, "w", NOW, limit=9)
    ledger.settle(books, "w", [Outcome(mail.digest_id, "deferred", "451 full", 4, NOW)], NOW)

    ledger.make_again(books, {"ada": "ada@new.example"}, NOW)

    (due,) = ledger.digests(books)
    assert (due.state, due.attempts, due.reason) == ("due", 0, "")


def test_a_message_is_dropped_when_it_has_been_done_with_for_long_and_its_row_stays(books: Home) -> None:
    made(books, "ada")
    ledger.settle(
        books, "w", [Outcome(one.digest_id, "sent") for one in ledger.take(books, "w", NOW, limit=9)], NOW
    )
    made(books, "ben")
    sent, waits = ledger.digests(books)

    ledger.forget_messages(books, NOW)
    assert ledger.message(books, sent.digest_id) == b"\0mail"
    ledger.forget_messages(books, NOW + timedelta(seconds=1))

    assert ledger.message(books, sent.digest_id) is None
    assert ledger.message(books, waits.digest_id) == b"\0mail"
    assert ledger.view(books, "ada", sent.window) is None
    assert ledger.view(books, "ben", waits.window) == b"\0view"
    assert len(ledger.digests(books)) == 2


def test_no_step_of_a_run_looks_through_all_that_was_ever_told(home: Home) -> None:
    """The cost of a minute must not grow with the years: each query finds its rows by an index."""
    asked: list[tuple[str, object]] = []

    def note(*told: object) -> None:
        many = bool(told[5])
        asked.append((str(told[2]), told[3][0] if many and isinstance(told[3], list) else told[3]))

    ledger.digests(home)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        made(home, "ada")
        made(home, "ada", upto=6, now=NOW + timedelta(days=1))
        mails = ledger.take(home, "w", NOW + timedelta(days=1), limit=9)
        ledger.settle(home, "w", [Outcome(mail.digest_id, "sent") for mail in mails], NOW)
        ledger.renew(home, "w", NOW)
        ledger.others_at_work(home, "w", NOW)
        ledger.make_again(home, {"ada": "ada@example.org"}, NOW)
        ledger.give_back(home, "w")
        ledger.latest(home, states=("sent",))
        ledger.forget_messages(home, NOW + timedelta(days=9))
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    con = sqlite3.connect(home.ledger)
    steps = [
        f"{step[3]}: {statement}"
        for statement, parameters in asked
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH"))
        for step in con.execute(f"explain query plan {statement}", parameters).fetchall()  # type: ignore[arg-type]
    ]
    con.close()
    assert len(steps) > 20
    assert [
        step
        for step in steps
        if step.startswith(("SCAN digests", "SCAN readings")) and "unfinished" not in step
    ] == []
