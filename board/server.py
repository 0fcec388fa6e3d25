"""The board as a server: the application, its files in the home, and running it until told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType

import uvicorn
from sqlalchemy.exc import DatabaseError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from board import auth, events, rest_boards, rest_cards, sample
from board.desk import Desk
from board.events import Bell
from board.model import BoardError
from board.store import Store


class BoardUnusable(Exception):
    """The board's files cannot be made or read: mend what the message names, then start again."""


class PortInUse(Exception):
    """Somebody else listens there: take another port, or stop the other one."""


def app(
    store: Store,
    clock: Callable[[], datetime],
    *,
    bell: Bell | None = None,
    keep_alive: float = events.KEEP_ALIVE,
) -> Starlette:
    """The board over this store. `clock` tells when a change happens; closing `bell` ends open streams."""
    bell = bell or Bell()
    store.listeners.append(bell.ring)
    desk = Desk(store, clock)
    routes = [
        Route("/api/health", _health, methods=["GET"]),
        *rest_boards.routes(desk),
        *rest_cards.routes(desk),
        *events.routes(store, bell, keep_alive),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={BoardError: _board_error, HTTPException: _http_error, Exception: _failure},
    )


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _board_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BoardError)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return JSONResponse({"error": str(error), "code": error.code}, error.status, headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "BAD_REQUEST")
    return JSONResponse({"error": error.detail, "code": code}, error.status_code, error.headers)


async def _failure(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "the board failed; its log says why", "code": "INTERNAL"}, 500)


class Server(uvicorn.Server):
    """Uvicorn that ends open event streams first, and returns when told to stop instead of raising the signal again."""

    def __init__(self, config: uvicorn.Config, bell: Bell) -> None:
        super().__init__(config)
        self.bell = bell

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- uvicorn's signature
        """A signal asks to stop; a second one does not wait for open requests."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the rest."""
        self.bell.close()
        await super().shutdown(sockets)


def server(store: Store, clock: Callable[[], datetime], *, keep_alive: float = events.KEEP_ALIVE) -> Server:
    """A server for this store, to be run on a listening socket: `server(…).run(sockets=[…])`."""
    bell = Bell()
    config = uvicorn.Config(
        app(store, clock, bell=bell, keep_alive=keep_alive),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        loop="asyncio",
        timeout_graceful_shutdown=2,
    )
    return Server(config, bell)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises PortInUse."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"the board cannot listen on {host}:{port} ({error.strerror}); stop what listens there or choose another port"
        ) from error
    return listener


def open_board(root: Path, *, sample_at: datetime | None, now: datetime) -> Store:
    """The board kept in `root`: made on the first run, with the sample team when `sample_at` says when it ends.

    Raises BoardUnusable.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        key_text = auth.read_or_make_key(root / "board.key")
        store = Store.open(root / "board.sqlite")
        key = auth.settle(store, key_text, sample_at or now)
        if sample_at is not None:
            sample.fill_if_empty(store, key, sample_at)
    except (OSError, DatabaseError) as error:
        why = error.orig if isinstance(error, DatabaseError) else error
        raise BoardUnusable(
            f"the board in {root} cannot be opened ({why}); check that the folder is writable and board.sqlite is whole"
        ) from error
    return store


def serve(
    root: Path,
    *,
    host: str = "127.0.0.1",
    port: int,
    sample_at: datetime | None,
    log: Callable[[str], None],
    clock: Callable[[], datetime],
) -> None:
    """Serve the board of `root` until SIGINT or SIGTERM. Raises PortInUse before anything is written; BoardUnusable."""
    listener = listen(host, port)
    with listener:
        started_at = clock()
        store = open_board(root, sample_at=sample_at, now=started_at)
        try:
            shown_host = f"[{host}]" if ":" in host else host
            url = f"http://{shown_host}:{listener.getsockname()[1]}"
            (root / "board.url").write_text(url + "\n")
            seconds = (clock() - started_at).total_seconds()
            log(
                f"board=up url={url} key_file={root / 'board.key'} {sample.counted(store)} seconds={seconds:.1f}"
            )
            server(store, clock).run(sockets=[listener])
        finally:
            store.close()
            (root / "board.url").unlink(missing_ok=True)
    log("board=stopped")
