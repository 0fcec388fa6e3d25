"""A real board on a real socket, and ways to change it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from board.server import listen, open_board, server
from ingest.sources.flux import Flux

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class RunningBoard:
    """The board server in a thread; it can be stopped and started again on the same port and file."""

    root: Path
    port: int = 0
    ticks: int = 0
    key: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))
    _stop: Callable[[], None] = field(default=lambda: None)

    def clock(self) -> datetime:
        """A clock that moves on a second whenever it is asked."""
        self.ticks += 1
        return START + timedelta(seconds=self.ticks)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listener = listen("127.0.0.1", self.port)
        self.port = listener.getsockname()[1]
        store = open_board(self.root, sample_at=None, now=START)
        self.key = (self.root / "board.key").read_text().strip()
        running = server(store, self.clock, keep_alive=1.0)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()

        def stop() -> None:
            running.should_exit = True
            thread.join(10)
            listener.close()
            store.close()

        self._stop = stop

    def stop(self) -> None:
        self._stop()
        self._stop = lambda: None

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask as somebody who works on the board."""
        headers = {"Authorization": f"Bearer {self.key}"}
        response = self.client.request(method, self.url + path, json=body, headers=headers)
        assert response.is_success, response.text
        told: dict[str, Any] = response.json()
        return told

    def make_board(self, title: str = "Garden") -> tuple[str, list[str]]:
        """A board with two columns; its id and theirs."""
        board_id = self.ask("POST", "/api/boards", {"title": title})["board"]["id"]
        columns = [
            self.ask("POST", "/api/columns", {"boardId": board_id, "title": title})["column"]["id"]
            for title in ("To plant", "Planted")
        ]
        return board_id, columns

    def add_card(self, board_id: str, column_id: str, title: str) -> str:
        body = {"boardId": board_id, "columnId": column_id, "title": title}
        return str(self.ask("POST", "/api/cards", body)["card"]["id"])

    def flux(self, **options: Any) -> Flux:
        """A reader of this board, with its key."""
        return Flux(self.url, self.key, **options)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[RunningBoard]:
    running = RunningBoard(tmp_path / "board")
    running.start()
    yield running
    running.stop()
    running.client.close()
