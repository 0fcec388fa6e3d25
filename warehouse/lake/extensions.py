"""DuckDB's own extensions, taken from the Python packages that carry them: nothing is fetched while Daybreak runs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import duckdb

from warehouse.migrations import WarehouseBroken

LAKE = ("postgres_scanner", "ducklake")
S3 = ("httpfs",)


def load(con: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> None:
    """Load extensions into a database; WarehouseBroken, with what to install, where one is missing.

    DuckDB checks their signature as it does with those it fetches itself.
    """
    missing = [name for name in names if _file(name) is None]
    if missing:
        packages = " ".join(
            f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}" for name in missing
        )
        raise WarehouseBroken(
            f"a warehouse on DuckLake needs DuckDB's {' and '.join(missing)}, not installed here.\n"
            f"In a checkout: `uv sync --extra lake`; elsewhere: `pip install {packages}`."
        )
    for name in names:
        path = str(_file(name)).replace("'", "''")
        try:
            con.execute(f"load '{path}'")
        except duckdb.Error as error:
            raise WarehouseBroken(
                f"{path} cannot be loaded: {error}\nInstall the same version as DuckDB's."
            ) from error


def _file(name: str) -> Path | None:
    """Where the package of this extension keeps it for the DuckDB at hand."""
    spec = find_spec(f"duckdb_extension_{name}")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if path.exists():
            return path
    return None
