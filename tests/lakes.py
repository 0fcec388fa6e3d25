"""Lakes for tests, each in a database of its own, and the mark of cases that hold for a file and for a lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from warehouse.home import Home
from warehouse.lake.address import lake_of
from warehouse.lake.engine import forget
from warehouse.log import Log

ON_BOTH = pytest.mark.parametrize(
    "home", ["file", pytest.param("lake", marks=pytest.mark.slow)], indirect=True
)
"""The case is run on a home with a file and on one with a lake; the latter with the slow tests."""

_NUMBERS = count(1)


def lake_settings(address: str, data: Path) -> dict[str, str]:
    """The environment that names a lake."""
    return {"DAYBREAK_WAREHOUSE": f"ducklake:postgres:{address}", "DAYBREAK_LAKE_DATA": str(data)}


def settings_of(home: Home) -> dict[str, str]:
    """The environment in which another process has the same warehouse."""
    return lake_settings(home.lake.catalog, Path(home.lake.data)) if home.lake else {}


def new_database(server: str, template: str = "template0") -> str:
    """The address of a new database on this server."""
    name = f"lake_{next(_NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as con:
        con.execute(f"create database {name} template {template}")
    return server.rpartition("/")[0] + f"/{name}"


@contextmanager
def lake_home(root: Path, address: str) -> Iterator[Home]:
    """A home whose warehouse is the lake at this address, with its data beside the home."""
    root.mkdir(exist_ok=True)
    home = Home(root, lake=lake_of(lake_settings(address, root.parent / f"{root.name}-data")))
    try:
        yield home
    finally:
        assert home.lake
        forget(home.lake)


def make_template(server: str, folder: Path) -> str:
    """The name of a database with an empty lake, of which others are copies: to make one takes a second."""
    address = new_database(server)
    with lake_home(folder / "template", address) as home:
        Log.open(home).close()
    with psycopg.connect(server, autocommit=True) as con:  # nobody may look at what is copied
        con.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname like 'lake_%'")
    return address.rpartition("/")[2]


@contextmanager
def copied_lake(server: str, template: str, root: Path) -> Iterator[Home]:
    """A home with an empty lake, copied from a template."""
    address = new_database(server, template)
    with lake_home(root, address) as home:
        assert home.lake
        Path(home.lake.data).mkdir()
        with psycopg.connect(address) as con:
            con.execute("update ducklake_metadata set value = %s where key = 'data_path'", [home.lake.data])
        yield home
