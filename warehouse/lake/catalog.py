"""The lake's catalog in PostgreSQL: how it is opened, which snapshot readers are shown, whose turn it is to write."""

from __future__ import annotations

import contextlib
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.lake.address import DATA_SETTING, SETTING, Lake
from warehouse.lake.extensions import LAKE, S3, load
from warehouse.migrations import WarehouseBroken
from warehouse.turns import WarehouseBusy

TURN = 0x6461_7962
"""The advisory lock that whoever writes holds ("dayb"): one for the lake, so one catalog database holds one lake."""

LOOK_EVERY_SECONDS = 0.005
"""How often a waiting writer asks for its turn. (DuckDB burns a core while PostgreSQL itself keeps it waiting.)"""

_SHOWN = """
    create table if not exists daybreak_shown (
        only_row boolean primary key default true check (only_row), snapshot_id bigint not null,
        revision bigint not null, published_at timestamptz not null, checked_at timestamptz not null
    )
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What readers are shown: a snapshot of the lake in which state has taken in the whole log. Instants are the server's."""

    snapshot: int
    revision: int
    published_at: datetime
    checked_at: datetime


def engine(lake: Lake) -> duckdb.DuckDBPyConnection:
    """An empty DuckDB in memory that can speak to the lake and fetches nothing by itself; in UTC."""
    con = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": str(Path(tempfile.gettempdir()) / "daybreak-lake"),
        }
    )
    try:
        load(con, LAKE)
        con.execute("set global TimeZone = 'UTC'")  # cursors start from the global settings
        # Not in the address: DuckDB puts that into its messages.
        con.execute(f"create secret catalog_password (type postgres, password '{quoted(lake.password)}')")
    except BaseException:
        con.close()
        raise
    return con


def attach(con: duckdb.DuckDBPyConnection, lake: Lake, name: str, *options: str) -> None:
    """Attach the lake under a name, with options of DuckLake's; WarehouseBroken says why it cannot be."""
    with translated(lake):
        if lake.data.startswith("s3://") or data_path(con).startswith("s3://"):
            _open_storage(con, lake)
        told = ", ".join(["meta_secret 'catalog_password'", *options])
        con.execute(f"attach 'ducklake:postgres:{quoted(lake.catalog)}' as {name} ({told})")


def attach_catalog(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Attach the database that holds the catalog, as `catalog`."""
    with translated(lake):
        con.execute(f"attach '{quoted(lake.catalog)}' as catalog (type postgres, secret catalog_password)")


def shown(con: duckdb.DuckDBPyConnection) -> Shown | None:
    """What readers are shown, None before the first publish. Asks the catalog once."""
    try:
        row = con.execute(
            _asking(
                "select snapshot_id, revision, extract(epoch from published_at)::float8 as published,"
                " extract(epoch from checked_at)::float8 as checked from daybreak_shown"
            )
        ).fetchone()
    except duckdb.Error as error:
        if '"daybreak_shown" does not exist' in str(error):
            return None
        raise
    if row is None:
        return None
    snapshot, revision, published, checked = row
    return Shown(
        snapshot, revision, datetime.fromtimestamp(published, UTC), datetime.fromtimestamp(checked, UTC)
    )


def show(con: duckdb.DuckDBPyConnection, snapshot: int, revision: int) -> None:
    """Show readers this snapshot, unless they are shown a newer one."""
    _tell(con, _SHOWN)
    _tell(
        con,
        f"""
        insert into daybreak_shown values (true, {snapshot:d}, {revision:d}, now(), now())
        on conflict (only_row) do update set (snapshot_id, revision, published_at, checked_at)
            = (excluded.snapshot_id, excluded.revision, now(), now())
        where daybreak_shown.snapshot_id < excluded.snapshot_id
        """,  # noqa: S608  # numbers
    )


def still_shown(con: duckdb.DuckDBPyConnection) -> None:
    """Say that what readers are shown is as new as the lake."""
    _tell(con, "update daybreak_shown set checked_at = now()")


def data_path(con: duckdb.DuckDBPyConnection) -> str:
    """Where the catalog says that the data lies; empty where there is no lake yet."""
    if not _is_there(con, "ducklake_metadata"):
        return ""
    row = con.execute(_asking("select value from ducklake_metadata where key = ''data_path''")).fetchone()
    return str(row[0]) if row else ""


class Turn:
    """Whose turn it is to write, among all machines: one transaction in the catalog's database that holds a lock.

    Who dies or loses the connection loses the turn. Two who write all the same cannot both commit: DuckLake refuses the second.
    """

    def __init__(self, lake: Lake, patience: timedelta) -> None:
        self._lake, self._patience = lake, patience
        self._here = threading.Lock()
        self._con = engine(lake)
        attach_catalog(self._con, lake)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the turn and keep it; WarehouseBusy after the patience given."""
        with self._here:
            try:
                with translated(self._lake):
                    self._con.begin()
                    self._wait()
                yield
            finally:
                with contextlib.suppress(duckdb.Error):  # then the lock is gone as well
                    self._con.rollback()

    def close(self) -> None:
        self._con.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + self._patience.total_seconds()
        while not self._con.execute(_asking(f"select pg_try_advisory_xact_lock({TURN})")).fetchall()[0][0]:
            if time.monotonic() > deadline:
                raise WarehouseBusy(
                    f"other ingesters have been writing the lake at {self._lake.catalog} for {self._patience.total_seconds():g} s.\n"
                    f"Try again in a moment; nothing of this was kept."
                )
            time.sleep(LOOK_EVERY_SECONDS * (0.5 + random.random()))  # noqa: S311  # so that two do not keep step


@contextlib.contextmanager
def translated(lake: Lake) -> Iterator[None]:
    """DuckDB's words for a catalog or storage that cannot be used, as our own."""
    try:
        yield
    except duckdb.Error as error:
        raise in_words(lake, error) from error


def in_words(lake: Lake, error: duckdb.Error) -> WarehouseBroken:
    """What an error of the lake means and what to do next."""
    told = str(error)
    if "Unable to connect to Postgres" in told:
        reason = told.rpartition('": ')[2].strip()
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
        f"the lake at {lake.catalog} cannot be used: {told}\n"
        f"Is its data ({lake.data or 'where the catalog says'}) to be reached from here? `daybreak doctor` looks."
    )


def quoted(text: str) -> str:
    """The text between a string's quotes."""
    return text.replace("'", "''")


def _is_there(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    row = con.execute(_asking(f"select to_regclass(''{table}'') is not null")).fetchone()
    return bool(row and row[0])


def _asking(sql: str) -> str:
    """A query of the catalog's own database; quotes in it are doubled."""
    return f"select * from postgres_query('catalog', '{sql}')"  # noqa: S608  # our own words


def _tell(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    con.execute(f"call postgres_execute('catalog', '{quoted(sql)}')")


def _open_storage(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    load(con, S3)
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
    options = [f"{name} '{quoted(value)}'" for name, value in told.items() if value]
    if endpoint.startswith("http://"):
        options.append("use_ssl false")
    con.execute(
        f"create or replace secret lake_storage (type s3{''.join(f', {option}' for option in options)})"
    )
