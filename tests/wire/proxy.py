"""A bad line to a board: delays and cuts answers; cuts, delays, loses, doubles and reorders the words of a stream."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@dataclass
class BadLine:
    """A proxy on a port of its own, in a thread; the same seed is bad in the same ways. Use as a context manager."""

    upstream: int
    seed: int
    port: int = 0
    is_calm: bool = False
    done: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._chance, self._loop, self._ready = (
            random.Random(self.seed),
            asyncio.new_event_loop(),
            threading.Event(),
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _accept(self, reader: Reader, writer: Writer) -> None:
        talk = asyncio.current_task()
        assert talk
        self._talks.add(talk)
        ours: Writer | None = None
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError, _Cut):
                head = await reader.readuntil(b"\r\n\r\n")
                theirs, ours = await asyncio.open_connection("127.0.0.1", self.upstream)
                lines = [each for each in head.split(b"\r\n") if not each.lower().startswith(b"connection:")]
                ours.write(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]))
                if b"/events" in lines[0]:
                    await self._stream(theirs, writer)
                else:
                    await self._answer(theirs, writer)
        finally:
            for side in (writer, ours):
                if side:
                    side.close()
                    with suppress(ConnectionError):
                        await side.wait_closed()
            self._talks.discard(talk)

    async def _answer(self, theirs: Reader, writer: Writer) -> None:
        told = await theirs.read(-1)
        if self._happens("cut answer", 0.15):
            writer.write(told[: self._chance.randrange(len(told))])
            await writer.drain()
            raise _Cut
        await self._in_pieces(writer, told, framed=False)

    async def _stream(self, theirs: Reader, writer: Writer) -> None:
        writer.write(await theirs.readuntil(b"\r\n\r\n"))
        held: list[bytes] = []
        async for frame in _frames(theirs):
            if self._happens("lost", 0.05):
                continue
            held.append(frame)
            if self._happens("doubled", 0.1):
                held.append(frame)
            if self._happens("held back", 0.2):
                continue
            if len(held) > 1 and self._happens("reordered", 0.5):
                self._chance.shuffle(held)
            told, held = b"".join(held), []
            if self._happens("cut stream", 0.1):
                told = told[: self._chance.randrange(len(told))]
                await self._in_pieces(writer, told, framed=True)
                raise _Cut
            await self._in_pieces(writer, told, framed=True)
        writer.write(b"0\r\n\r\n")

    async def _in_pieces(self, writer: Writer, told: bytes, *, framed: bool) -> None:
        while told:
            size = len(told) if self.is_calm else self._chance.randint(1, len(told))
            piece, told = told[:size], told[size:]
            writer.write(b"%x\r\n%s\r\n" % (size, piece) if framed else piece)
            await writer.drain()
            if self._happens("delayed", 0.2):
                await asyncio.sleep(self._chance.random() / 50)

    def _happens(self, what: str, probability: float) -> bool:
        """Whether something bad happens now; never on a calm line."""
        if self.is_calm or self._chance.random() > probability:
            return False
        self.done[what] = self.done.get(what, 0) + 1
        return True


class _Cut(Exception):
    """The line is cut."""


async def _frames(theirs: Reader) -> AsyncIterator[bytes]:
    """The words of a chunked event stream, each with the empty line that ends it."""
    told = b""
    while size := int(await theirs.readline() or b"0", 16):
        told += await theirs.readexactly(size)
        await theirs.readline()
        *whole, told = told.split(b"\n\n")
        for frame in whole:
            yield frame + b"\n\n"
