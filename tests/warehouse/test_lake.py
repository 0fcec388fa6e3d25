"""A lake: the same warehouse on PostgreSQL and Parquet, written and read by many at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from warehouse import audit
from warehouse.home import Home
from warehouse.log import Log
from warehouse.model import Appended, Batch, Window
from warehouse.reading import NothingPublished, Warehouse

MakeBatch = Callable[[int, int], Batch]


def test_what_is_appended_is_read_once_it_is_published(lake_home: Home, batch: MakeBatch) -> None:
    with pytest.raises(NothingPublished):
        Warehouse.open(lake_home)
    with Log.open(lake_home) as log:
        assert log.append(batch(1, 30)) == Appended(events=30, new=30, upto=30)
        assert log.append(batch(1, 40)) == Appended(events=40, new=10, upto=40)
        log.publish()
        with Warehouse.open(lake_home) as warehouse:
            log.append(batch(41, 50))
            log.publish()
            assert warehouse.head() == 40
            assert len(warehouse.events(Window(0, 50))) == 40
        with Warehouse.open(lake_home) as warehouse:
            assert warehouse.head() == 50 == warehouse.cards()["last_offset"].max()
    assert [finding for finding in audit.audit(lake_home) if not finding.ok] == []
