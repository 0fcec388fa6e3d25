"""Instants as boards write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.values import instant

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        "2026-03-02T09:30:00Z",
        "2026-03-02T09:30:00.000+0000",
        "2026-03-02T11:30:00+02:00",
        "2026-03-02T09:30:00",
        1772443800,
        1772443800.0,
        1772443800000,
        "1772443800",
        "1772443800000",
    ],
)
def test_one_instant_is_read_in_every_way_boards_write_it(told):
    assert instant(told) == AT


@pytest.mark.parametrize(
    "told", [None, True, "", "soon", "12", [], {}, float("nan"), float("inf"), 10**400, 1e300, "9" * 15]
)
def test_what_is_no_instant_is_none(told):
    assert instant(told) is None


@given(st.integers(126_230_400, 7_258_118_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_seconds_and_milliseconds_say_the_same_instant(whole):
    seconds = round((whole - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1))
    assert (
        instant(seconds)
        == instant(seconds * 1000)
        == instant(str(seconds))
        == instant(whole.isoformat())
        == whole
    )
