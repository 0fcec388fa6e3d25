"""The audit finds what is wrong, and does not disturb who is writing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from warehouse.audit import audit, check
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Batch
from warehouse.reading import current

MakeBatch = Callable[[int, int], Batch]


def fill(home: Home, batch: Batch, *, publish: bool = True) -> None:
    with Log.open(home) as log:
        log.append(batch)
        if publish:
            log.publish()


def wrong(home: Home) -> set[str]:
    return {finding.subject for finding in audit(home) if not finding.ok}


def test_a_sound_warehouse_has_nothing_wrong(home: Home, batch: MakeBatch) -> None:
    fill(home, batch(1, 30))
    assert wrong(home) == set()
    assert "equals the live file" in audit(home)[0].text


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("delete from events where event_offset = 7", {"offsets"}),
        ("update events set event_offset = 30 where event_offset = 29", {"offsets"}),
        ("update events set event_id = 'e1' where event_offset = 12", {"events"}),
        ("update cards set title = 'Other' where card_id = 'c1'", {"cards"}),
        ("delete from board_members where member_id = 'm1'", {"board_members"}),
        ("insert into members from members limit 1", {"members"}),
    ],
)
def test_damage_is_found(home: Home, batch: MakeBatch, damage: str, found: set[str]) -> None:
    fill(home, batch(1, 30))
    with duckdb.connect(str(home.warehouse_dir / "live.duckdb")) as con:
        con.execute(damage)
    assert found | {"published"} <= wrong(home)


def test_what_is_not_published_yet_is_said(home: Home, batch: MakeBatch) -> None:
    fill(home, batch(1, 5))
    fill(home, batch(6, 9), publish=False)
    assert wrong(home) == {"published"}


def test_while_somebody_writes_the_published_version_is_checked(home: Home, batch: MakeBatch) -> None:
    fill(home, batch(1, 5))
    with Log.open(home) as log:
        first, *rest = audit(home)
        assert log.append(batch(6, 6)).upto == 6, "the writer was not disturbed"
    assert "live file is in use" in first.text
    assert all(finding.ok for finding in rest)


def test_an_empty_home_is_well_and_says_what_to_do(home: Home) -> None:
    assert [finding.ok for finding in audit(home)] == [True]
    assert "ingest" in audit(home)[0].next_step
    assert all(finding.ok for finding in check(home, datetime(2026, 3, 2, tzinfo=UTC)))


def test_doctor_tells_the_age_and_asks_when_it_is_silent(home: Home, batch: MakeBatch) -> None:
    fill(home, batch(1, 5))
    at = current(home).checked_at
    fresh, silent = check(home, at + timedelta(seconds=9))[-1], check(home, at + timedelta(hours=2))[-1]
    assert (fresh.next_step, "0:00:0" in fresh.text) == ("", True)
    assert "--follow" in silent.next_step


def test_doctor_says_when_the_home_cannot_be_written(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    finding = check(Home(tmp_path / "file" / "home"), datetime(2026, 3, 2, tzinfo=UTC))[0]
    assert (finding.ok, "cannot write" in finding.text) == (False, True)
