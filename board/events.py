"""A board's log as it grows, as server-sent events: replay from the log, then wait for the bell."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from board import auth, reading
from board.model import Invalid, Record
from board.store import Store

KEEP_ALIVE = 15.0
PAGE = 500


class Bell:
    """Wakes streams when their board has changed. Writers ring it from any thread and never wait for a stream."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False

    @contextmanager
    def listening(self, board_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the board has changed, for as long as the stream lives."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting[board_id].add(event)
        try:
            yield event
        finally:
            self._waiting[board_id].discard(event)

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return sum(len(events) for events in self._waiting.values())

    def ring(self, board_id: str) -> None:
        """Tell the streams of a board that there is something new; called by writers, from their threads."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, board_id)

    def _wake(self, board_id: str) -> None:
        for event in self._waiting.get(board_id, ()):
            event.set()

    def close(self) -> None:
        """End all streams: the server is going down. Called on the event loop."""
        self.closed = True
        for board_id in list(self._waiting):
            self._wake(board_id)


def routes(store: Store, bell: Bell, keep_alive: float = KEEP_ALIVE) -> list[Route]:
    """The stream of one board."""

    def open_stream(request: Request) -> tuple[str, int]:
        with store.reading() as connection:
            key = auth.check(connection, request.headers)
            board = reading.find_board(connection, request.path_params["board"], key.member_id)
            last = request.headers.get("Last-Event-ID", "")
            if not last:
                return board["id"], board["last_seq"]
        if not (last.isascii() and last.isdigit()) or len(last) > 15:
            raise Invalid("Last-Event-ID: a seq of this board is needed")
        return board["id"], int(last)

    async def endpoint(request: Request) -> Response:
        board_id, after = await run_in_threadpool(open_stream, request)

        def read(after: int) -> list[Record]:
            with store.reading() as connection:
                return reading.entries_after(connection, board_id, after, PAGE)

        return StreamingResponse(
            _stream(bell, board_id, after, read, keep_alive),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return [Route("/api/boards/{board}/events", endpoint, methods=["GET"])]


async def _stream(
    bell: Bell, board_id: str, after: int, read: Callable[[int], list[Record]], keep_alive: float
) -> AsyncIterator[str]:
    """Entries after `after` as they come. Nothing is held while the reader takes its time to read."""
    yield ": listening\n\n"  # so that the reader has its headers at once; a bare `retry:` some clients take for an event
    with bell.listening(board_id) as news:
        while not bell.closed:
            news.clear()
            entries = await run_in_threadpool(read, after)
            if entries:
                after = entries[-1]["seq"]
                yield "".join(map(_frame, entries))
                continue
            try:
                await asyncio.wait_for(news.wait(), keep_alive)
            except TimeoutError:
                yield ": keep-alive\n\n"


def _frame(entry: Record) -> str:
    return f"id: {entry['seq']}\nevent: activity\ndata: {json.dumps(entry, ensure_ascii=False)}\n\n"
