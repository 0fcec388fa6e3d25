"""What every room's tests share: a fresh home, the real boards, a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse.home import Home

REAL_BOARDS = Path(__file__).parents[2] / "shared" / "data" / "boards"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty Daybreak home."""
    root = tmp_path / "home"
    root.mkdir()
    return Home(root)


@pytest.fixture(scope="session")
def real_boards() -> Path:
    """The folder of real exports; not part of the project, so absent on most machines."""
    if not REAL_BOARDS.is_dir():
        pytest.skip(f"real board exports are not on this machine ({REAL_BOARDS})")
    return REAL_BOARDS


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
