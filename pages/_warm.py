"""Does the slow beginnings while the server starts, so that the first viewer does not wait for them."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from warehouse.home import Home
from warehouse.reading import NothingPublished, Warehouse

SLOW = (
    "pages._catch_up",
    "pages._people_by_zone",
    "pages._board",
    "pages._sql",
    "pages._you_preview",
    "pandas",
    "pyarrow",
)


def lifespan(home: Home) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """What the server does around its life: at the start, imports and one read in the background."""

    @contextlib.asynccontextmanager
    async def around(_: Any) -> AsyncIterator[None]:  # noqa: ANN401 - Streamlit hands its App over
        threading.Thread(target=up, args=(home,), daemon=True).start()
        yield

    return around


def up(home: Home) -> None:
    """Import what pages need, and read once: the first read loads a good part of polars."""
    for name in SLOW:
        importlib.import_module(name)
    with contextlib.suppress(NothingPublished), Warehouse.open(home) as warehouse:
        warehouse.members()
