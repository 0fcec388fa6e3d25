"""A ledger of every earlier version opens with its rows; a killed step leaves it as it was; a newer one is refused."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digests import ledger
from digests.audit import audit
from digests.ledger import LedgerNewer, LedgerUnavailable, migrations
from warehouse.home import Home
from warehouse.model import Window

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
COUNTS = '{"events": 4, "shown": 4, "folded": 0, "excluded": {}}'

# As 0.1 made it, before its steps were numbered.
FIRST = """
create table digests (
    digest_id integer not null primary key, person_id varchar not null, "after" integer not null, upto integer not null,
    slot_at datetime not null, state varchar not null, reason varchar not null, counts varchar not null,
    recipient varchar not null, message_id varchar, message blob, attempts integer not null,
    created_at datetime not null, changed_at datetime not null);
create unique index one_answer_a_slot on digests (person_id, slot_at);
create unique index one_digest_a_window on digests (person_id, upto) where state <> 'skipped';
create table people (
    person_id varchar not null primary key, name varchar not null, entry varchar not null, imported_at datetime not null);
create table person_ids (member varchar not null primary key, person_id varchar not null);
create table readings (
    reading_id integer not null primary key, person_id varchar not null, "after" integer not null, upto integer not null,
    read_at datetime not null, via varchar not null, undone_at datetime);
create index ix_readings_person_id on readings (person_id);
"""
ROWS = f"""
insert into digests values
    (1, 'ada', 0, 4, '2026-03-09 07:00:00.000000', 'sent', '', '{COUNTS}', 'ada@example.org', '<a@d>', x'0041', 1,
     '2026-03-09 07:00:01.000000', '2026-03-09 07:00:02.000000'),
    (2, 'ben', 0, 4, '2026-03-09 07:00:00.000000', 'rendered', '', '{COUNTS}', 'ben@example.org', '<b@d>', x'0042', 0,
     '2026-03-09 07:00:01.000000', '2026-03-09 07:00:02.000000'),
    (3, 'ben', 0, 0, '2026-03-08 07:00:00.000000', 'skipped', 'nothing to tell',
     '{COUNTS.replace("4", "0")}', '', null, null, 0, '2026-03-08 07:00:01.000000', '2026-03-08 07:00:02.000000');
insert into people values ('ada', 'Ada', '{{"name": "Ada"}}', '2026-03-01 07:00:00.000000');
insert into person_ids values ('flux:ben', 'ben');
insert into readings values (1, 'cyn', 0, 3, '2026-03-09 08:00:00.000000', 'page', null);
"""


@pytest.fixture
def old(home: Home) -> Home:
    """A home with a ledger of the first version, in which something happened."""
    with sqlite3.connect(home.ledger) as con:
        con.executescript(FIRST + ROWS)
    con.close()
    return home


def described(path: Path) -> dict[str, list[tuple[str, str, int]]]:
    """Columns by table and index, with whether they may be null; types by affinity, since each is spelt in two ways."""
    con = sqlite3.connect(path)
    names = [
        name for (name,) in con.execute("select name from sqlite_master where type in ('table', 'index')")
    ]
    found = {}
    for name in names:
        columns = con.execute(
            f"select name, upper(type), \"notnull\" from pragma_table_info('{name}')"
        ).fetchall()
        found[name] = sorted(
            columns or con.execute(f"select name from pragma_index_info('{name}')").fetchall()
        )
    con.close()
    return found


def test_a_ledger_of_the_first_version_opens_with_all_its_rows(old: Home) -> None:
    sent, rendered, receipt = ledger.digests(old)

    assert (sent.person_id, sent.state, sent.window, sent.slot_at) == (
        "ada", "sent", Window(0, 4), datetime(2026, 3, 9, 7, tzinfo=UTC),
    )  # fmt: skip
    assert (rendered.state, receipt.reason) == ("rendered", "nothing to tell")
    assert ledger.message(old, sent.digest_id) == b"\0A"
    assert [mail.message for mail in ledger.take(old, "w", NOW, limit=9)] == [b"\0B"]
    assert ledger.saved_people(old) == {"ada": {"name": "Ada"}}
    assert ledger.person_ids(old) == {"flux:ben": "ben"}
    assert {who: one.window.upto for who, one in ledger.cursors(old, ["ada", "ben", "cyn"]).items()} == {
        "ada": 4,
        "cyn": 3,
    }
    assert all(finding.ok for finding in audit(old))


def test_a_ledger_brought_up_to_date_is_as_a_new_one(old: Home, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    ledger.digests(new)
    ledger.digests(old)

    assert described(old.ledger) == described(new.ledger)


def test_a_step_that_is_killed_leaves_the_ledger_as_it_was(old: Home) -> None:
    before = described(old.ledger)
    child = os.fork()
    if child == 0:
        try:
            # Dies in the transaction of the real step, when that one is done.
            migrations.STEPS[migrations.NEWEST + 1] = lambda _: os._exit(9)
            migrations.NEWEST += 1
            ledger.digests(old)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

    assert described(old.ledger) == before
    assert len(ledger.digests(old)) == 3


def test_a_ledger_that_newer_code_has_written_is_refused(home: Home) -> None:
    ledger.digests(home)
    with sqlite3.connect(home.ledger) as con:
        con.execute(f"insert into schema_migrations values ({migrations.NEWEST + 1}, 'tomorrow')")
    con.close()
    ledger.close(home)

    with pytest.raises(LedgerNewer, match=r"ledger\.sqlite was written by a newer Daybreak .*\n.*Upgrade"):
        ledger.digests(home)


def test_a_file_that_is_no_ledger_is_named(home: Home) -> None:
    home.ledger.write_text("This is a shopping list, and a long one: " * 100)

    with pytest.raises(LedgerUnavailable, match=r"ledger\.sqlite cannot be used \(file is not a database\)"):
        ledger.digests(home)


def test_a_ledger_that_was_put_back_from_a_copy_is_the_one_that_is_read(home: Home, tmp_path: Path) -> None:
    ledger.caught_up(home, "ada", 4, NOW)
    copy = tmp_path / "copy"
    with sqlite3.connect(home.ledger) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    ledger.caught_up(home, "ada", 9, NOW)

    for file in home.root.glob("ledger.sqlite*"):
        file.unlink()
    copy.rename(home.ledger)

    assert ledger.cursor(home, "ada").window == Window(0, 4)  # type: ignore[union-attr]
