"""One DuckDB in a process for all it does with a lake: to load what speaks to a lake means checking 75 MB of signed code."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb

from warehouse.lake.address import DATA_SETTING, SETTING, Lake
from warehouse.lake.extensions import LAKE, S3, load
from warehouse.migrations import WarehouseBroken

_ENGINES: dict[Lake, Engine] = {}
_MAKING = threading.Lock()


def engine(lake: Lake) -> Engine:
    """This process's engine for the lake; a new one where the one before has lost its catalog. WarehouseBroken says why not."""
    with _MAKING, translated(lake):
        kept = _ENGINES.get(lake)
        if kept is None or not kept.answers():
            forget(lake)
            _ENGINES[lake] = Engine(lake)
        return _ENGINES[lake]


def forget(lake: Lake) -> None:
    """Let go of the lake's engine, if there is one. Connections that are open stay open."""
    if kept := _ENGINES.pop(lake, None):
        kept.close()


class Engine:
    """A DuckDB in memory, in UTC, that has the catalog's database attached as `catalog` and fetches nothing by itself.

    The lake as it is, to be written, is attached as `lake`; a version of it as `version_N`, as long as somebody looks.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._users: Counter[str] = Counter()
        self._con = duckdb.connect(
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "temp_directory": str(Path(tempfile.gettempdir()) / "daybreak-lake"),
            }
        )
        try:
            self._prepare()
        except BaseException:
            self._con.close()
            raise

    def answers(self) -> bool:
        """Whether the catalog's server does."""
        try:
            ask(self._con, "select 1")
        except duckdb.Error:
            return False
        return True

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to all that is attached."""
        return self._con.cursor()

    def lake_cursor(self, name: str, *options: str) -> duckdb.DuckDBPyConnection:
        """A connection whose tables are those of the lake, attached under this name with options of DuckLake's."""
        cursor = self._con.cursor()
        with self._lock, translated(self._lake):
            if name not in self._users:
                self._leave_unused()
                told = ", ".join(["meta_secret 'catalog_password'", *options])
                cursor.execute(f"attach 'ducklake:postgres:{quoted(self._lake.catalog)}' as {name} ({told})")
            self._users[name] += 1
            weakref.finalize(cursor, self._users.subtract, [name])
            cursor.execute(f"use {name}")
        return cursor

    def close(self) -> None:
        self._con.close()

    def _leave_unused(self) -> None:
        for name in [name for name, users in self._users.items() if users <= 0]:
            self._con.execute(f"detach {name}")
            del self._users[name]

    def _prepare(self) -> None:
        con, lake = self._con, self._lake
        load(con, LAKE)
        con.execute("set global TimeZone = 'UTC'")  # cursors start from the global settings
        # Not in the address: DuckDB puts that into its messages.
        password = f", password '{quoted(lake.password)}'" if lake.password else ""
        con.execute(f"create secret catalog_password (type postgres{password})")
        con.execute(f"attach '{quoted(lake.catalog)}' as catalog (type postgres, secret catalog_password)")
        if "s3://" in (lake.data or data_path(con)):
            load(con, S3)
            con.execute(_storage(lake))


def ask(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    """The rows of a query that the catalog's own database answers."""
    return con.execute(f"select * from postgres_query('catalog', '{quoted(sql)}')").fetchall()  # noqa: S608  # our own words


def tell(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Let the catalog's own database do something."""
    con.execute(f"call postgres_execute('catalog', '{quoted(sql)}')")


def told_by_catalog(con: duckdb.DuckDBPyConnection, key: str) -> str:
    """What the catalog says of the whole lake under this key; empty where it says nothing, or there is no lake yet."""
    if ask(con, "select to_regclass('ducklake_metadata') is null as missing") == [(True,)]:
        return ""
    rows = ask(con, f"select value from ducklake_metadata where key = '{key}' and scope is null")  # noqa: S608  # our own words
    return str(rows[0][0]) if rows else ""


def data_path(con: duckdb.DuckDBPyConnection) -> str:
    """Where the catalog says that the data lies; empty where there is no lake yet."""
    return told_by_catalog(con, "data_path")


def quoted(text: str) -> str:
    """The text between a string's quotes."""
    return text.replace("'", "''")


@contextlib.contextmanager
def translated(lake: Lake) -> Iterator[None]:
    """DuckDB's words for a catalog or storage that cannot be used, as our own."""
    try:
        yield
    except duckdb.Error as error:
        raise in_words(lake, error) from error


def in_words(lake: Lake, error: duckdb.Error) -> WarehouseBroken:
    """What an error of the lake means and what to do next."""
    told = str(error).strip()
    if "Unable to connect to Postgres" in told:
        reason = told.rpartition('": ')[2]
        return WarehouseBroken(
            f"the lake's catalog cannot be opened at {lake.catalog}: {reason}\n"
            f"Is the server up, and are address, user and password in {SETTING} right?"
        )
    if "DATA_PATH parameter" in told:
        return WarehouseBroken(
            f"{DATA_SETTING}={lake.data} is not where this lake was begun: {told}\n"
            f"Unset {DATA_SETTING}: the catalog knows the place."
        )
    return WarehouseBroken(
        f"{lake.name} cannot be used: {told}\n"
        f"Is the catalog's server up, and its data to be reached from here? `daybreak doctor` looks."
    )


def _storage(lake: Lake) -> str:
    """The statement that tells DuckDB how to reach S3-compatible storage."""
    storage = lake.storage
    endpoint = storage.endpoint.rstrip("/")
    told = {
        "key_id": storage.key,
        "secret": storage.secret,
        "session_token": storage.token,
        "region": storage.region,
        "endpoint": endpoint.partition("://")[2] or endpoint,
        "url_style": "path" if endpoint else "",
    }
    options = ["type s3", *(f"{name} '{quoted(value)}'" for name, value in told.items() if value)]
    if endpoint.startswith("http://"):
        options.append("use_ssl false")
    return f"create secret lake_storage ({', '.join(options)})"
