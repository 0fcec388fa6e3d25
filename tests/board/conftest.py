"""A real board on a real socket, and a client that holds its key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from board import auth
from board.server import listen, open_board, server
from board.store import Store


@dataclass
class Running:
    """A board that is being served: talk to it through `http`, with the owner's key."""

    url: str
    key: str
    store: Store
    http: httpx.Client
    stop: Callable[[], None]
    streams: Callable[[], int]

    def ask(self, method: str, path: str, status: int = 200, **request: Any) -> Any:
        """One request; its status has to be this one."""
        answer = self.http.request(method, path, **request)
        assert answer.status_code == status, answer.text
        return answer.json()

    def entries(self, board_id: str) -> list[dict[str, Any]]:
        """The whole log of a board."""
        return self.ask("GET", f"/api/boards/{board_id}/activity?limit=1000")["activity"]


@contextmanager
def running(root: Path, *, sample_at: datetime | None = None, keep_alive: float = 15) -> Iterator[Running]:
    """Serve the board of this folder for the length of a with statement."""
    store = open_board(root, sample_at=sample_at, now=datetime.now(UTC))
    serving = server(store, lambda: datetime.now(UTC), keep_alive=keep_alive)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    key = auth.read_or_make_key(root / "board.key")
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
    thread.start()

    def stop() -> None:
        serving.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"

    try:
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
            yield Running(url, key, store, http, stop, lambda: serving.bell.listeners)
    finally:
        stop()
        listener.close()
        store.close()


@pytest.fixture
def flux(tmp_path: Path) -> Iterator[Running]:
    """An empty board, served."""
    with running(tmp_path / "board") as board:
        yield board


@pytest.fixture
def begun(flux: Running) -> dict[str, Any]:
    """A board with two columns and one card: `board`, `todo`, `done`, `card`."""
    board = flux.ask("POST", "/api/boards", 201, json={"title": "Tea Bar"})["board"]
    todo, done = (
        flux.ask("POST", "/api/columns", 201, json={"boardId": board["id"], "title": title})["column"]
        for title in ("To do", "Done")
    )
    about = {"boardId": board["id"], "columnId": todo["id"], "title": "Boil water"}
    card = flux.ask("POST", "/api/cards", 201, json=about)["card"]
    return {"board": board, "todo": todo, "done": done, "card": card}
