"""What tests of pages share: a filled home, a page run without a browser, the app on a real port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from running import ROOT
from small_team import NOW, App, Team, fill, serve
from warehouse.home import Home


@pytest.fixture
def team(home: Home) -> Team:
    return fill(home)


@pytest.fixture
def page(home: Home) -> Callable[..., AppTest]:
    """Runs one page's script without a browser, looking at `home` at NOW."""

    def run(name: str, **query: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=30)
        test.session_state["daybreak_home"] = home
        test.session_state["daybreak_clock"] = lambda: NOW
        for key, value in query.items():
            test.query_params[key] = value
        return test.run()

    return run


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, Team]]:
    """The app on a real port, at the real time, on a filled home."""
    root = tmp_path_factory.mktemp("app")
    home = Home(root / "home")
    home.root.mkdir()
    team = fill(home, datetime.now(UTC))
    with serve(home, root / "app.log") as app:
        yield app, team
