"""Real boards: every event of every member's window is in exactly one place, and everybody gets one mail."""

from __future__ import annotations

import json
import mailbox
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digests import ledger, render
from digests.audit import audit
from digests.gather import gather
from digests.people import import_people, people
from digests.run import run
from ingest.sources import trello
from warehouse.home import Home
from warehouse.log import Log
from warehouse.reading import Warehouse

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def real_home(real_boards: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """All eight exports in one home."""
    home = Home(tmp_path_factory.mktemp("real"))
    with Log.open(home) as log:
        for path in sorted(real_boards.glob("trello-*.json")):
            log.append(trello.read(path, NOW))
        log.publish()
    return home


@pytest.mark.xdist_group("real-boards")
def test_every_members_window_is_partitioned_exactly(real_home: Home) -> None:
    everybody = people(real_home)
    assert len(everybody) > 20
    for person in everybody:
        for after, upto in ((0, None), (700, 2000), (3050, None)):
            told = json.loads(render.as_json(gather(real_home, person, now=NOW, after=after, upto=upto)))

            accounted = told["accounted"]
            excluded = [offset for offsets in accounted["excluded"].values() for offset in offsets]
            offsets = sorted([*accounted["shown"], *accounted["folded"], *excluded])
            assert offsets == list(range(told["window"]["after"] + 1, told["window"]["upto"] + 1))
            lines = [line for section in told["sections"] for line in section["lines"]]
            assert set(accounted["shown"]) <= {offset for line in lines for offset in line["events"]}
            assert not [
                line
                for line in lines
                if not line["text"] or not line["reason"] or "." in line["text"].split()[0][:-1]
            ]


@pytest.mark.xdist_group("real-boards")
def test_every_real_digest_fits_a_mail(real_home: Home) -> None:
    for person in people(real_home):
        catch_up = gather(real_home, person, now=NOW, after=0)

        assert len(render.html(catch_up).encode()) <= render.MOST
        assert len(render.subject(catch_up)) <= 130


@pytest.mark.xdist_group("real-boards")
def test_the_day_after_a_boards_last_action_each_member_gets_one_mail(real_boards: Path, home: Home) -> None:
    with Log.open(home) as log:
        log.append(trello.read(real_boards / "trello-foodgrindr-export2.json", NOW))
        log.publish()
    with Warehouse.open(home) as warehouse:
        last = warehouse.frame("select max(occurred_at) as at from events")["at"].item()
    entries = [
        f'[[people]]\nname = "{one.name}"\nemail = "{one.person_id}@example.org"\nzone = "America/New_York"\n'
        for one in people(home)
    ]
    (home.root / "people.toml").write_text("".join(entries))
    import_people(home, home.root / "people.toml", NOW)
    morning = (last + timedelta(days=1)).replace(hour=14)

    first, second = run(home, morning), run(home, morning + timedelta(minutes=1))

    assert (first.sent, first.due) == (len(entries), len(entries))
    assert (second.sent, second.due) == (0, 0)
    assert len(mailbox.Maildir(home.outbox)) == len(entries)
    assert {digest.state for digest in ledger.digests(home)} == {"sent"}
    assert all(finding.ok for finding in audit(home))
