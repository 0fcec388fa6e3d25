"""Serves what flux_world.py wrote, as fast as a socket takes it. Run: `python flux_server.py FOLDER`; prints its address.

It knows `/api/boards/all`, `/api/boards/{id}` and `/api/boards/{id}/activity?after=&limit=`, and takes any key. Like our
board it gives no ETag.
"""

from __future__ import annotations

import mmap
import socketserver
import sys
from array import array
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

Parts = list[bytes | memoryview]


class Pages:
    """The files of a world, held open; a page is a slice of them."""

    def __init__(self, folder: Path) -> None:
        self.answers = {"/api/boards/all": (folder / "boards.json").read_bytes()}
        self.logs: dict[str, tuple[memoryview, array[int]]] = {}
        for path in folder.glob("*.activity"):
            self.answers[f"/api/boards/{path.stem}"] = path.with_suffix(".board").read_bytes()
            offsets = array("Q", path.with_suffix(".offsets").read_bytes())
            with path.open("rb") as file:
                log = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            while log.read(1 << 24):  # so that no reader is the first to wait for the disk
                pass
            self.logs[f"/api/boards/{path.stem}/activity"] = (memoryview(log), offsets)

    def answer(self, target: str) -> Parts | None:
        """The body for a path with its query; None where there is nothing."""
        url = urlsplit(target)
        if url.path in self.answers:
            return [self.answers[url.path]]
        if url.path not in self.logs:
            return None
        log, offsets = self.logs[url.path]
        query = parse_qs(url.query)
        end = len(offsets) - 1
        first = min(int(query.get("after", ["0"])[0]), end)
        last = min(first + min(int(query.get("limit", ["100"])[0]), 1000), end)
        entries = log[offsets[first] : offsets[last] - 1] if last > first else b""
        following = b"null" if last == end else str(last).encode()
        return [b'{"activity":[', entries, b'],"next":', following, b"}"]


class Handler(socketserver.StreamRequestHandler):
    """One connection, kept alive."""

    disable_nagle_algorithm = True
    pages: Pages

    def handle(self) -> None:
        while line := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            parts = self.pages.answer(line.split()[1].decode())
            status = "200 OK" if parts else "404 Not Found"
            parts = parts or [b'{"error":"not here","code":"NOT_FOUND"}']
            length = sum(map(len, parts))
            head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
            self.connection.sendall(head.encode() + b"".join(parts[:1]))
            for part in parts[1:]:
                self.connection.sendall(part)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


if __name__ == "__main__":
    Handler.pages = Pages(Path(sys.argv[1]))
    with Server(("127.0.0.1", 0), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
