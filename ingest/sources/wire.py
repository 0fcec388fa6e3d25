"""Asks a source over HTTP, politely, and turns every way an answer can fail into what the caller does next."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx_sse

from ingest.sources import BoardGone, SourceChanged, SourceRefused, SourceUnavailable, StreamEnded
from ingest.sources.answers import is_rate_limit, later, parse, retry_after, said
from ingest.sources.manners import PATIENCE, Manners, Memory

__all__ = ["USER_AGENT", "Answer", "Door", "Wire", "parse", "retry_after"]

USER_AGENT = "daybreak/0.1 (+board reader)"  # library names are turned away at some products' edge
_LONGEST_WAIT = 10.0
_LATER = (httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS)
_KEEP_ALIVE = 15.0  # seconds between signs of life on a stream, as Flux has it


@dataclass(frozen=True, slots=True)
class Door:
    """Whom we ask, and which settings a person must look at when it does not open."""

    product: str
    address_setting: str
    key_setting: str

    @property
    def look_at_address(self) -> str:
        """The next step when something else than the product seems to answer."""
        return f"check that {self.address_setting} is the address of a {self.product} and not of a page before it"

    def key(self, text: str) -> str:
        """The key as given; raises SourceRefused where it cannot be one."""
        if not text or not text.isascii() or not text.isprintable():
            raise SourceRefused(f"the key is empty or has characters no key has; check {self.key_setting}")
        return text


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said: parsed JSON (an object or a list), and whether it is what it said last time (304)."""

    told: Any
    headers: httpx.Headers
    status: int
    is_same: bool
    asked: str
    body: bytes
    door: Door

    def changed(self, words: str) -> SourceChanged:
        """The error for an answer of another shape than agreed; `words` say what is wrong with it."""
        return SourceChanged(f"{self.asked} {words}; {self.door.look_at_address}", self.body)


class Wire:
    """HTTP to one source with one key. Safe to use from several threads; `close` ends open streams at once."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        door: Door,
        auth: httpx.Auth | None = None,
        params: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        attempts: int = 4,
        first_wait: timedelta = timedelta(milliseconds=200),
        pace: timedelta = timedelta(0),
    ) -> None:
        """`params` go with each request and are never shown; requests are at least `pace` apart.

        Raises SourceRefused where the address or the key cannot be right.
        """
        self.base_url = base_url.rstrip("/")
        self.door = door
        self._attempts, self._first_wait = attempts, first_wait.total_seconds()
        self._sockets: set[socket.socket] = set()
        self._closing = threading.Event()
        self._manners, self._memory = Manners(pace, self._closing), Memory()
        for value in (*headers.values(), *(params or {}).values()):
            door.key(value)
        self._client = httpx.Client(
            base_url=_address(base_url, door),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", **headers},
            auth=auth,
            params=dict(params) if params else None,
            timeout=httpx.Timeout(20.0, connect=5.0),
            limits=httpx.Limits(max_connections=None),
            transport=transport,
            trust_env=not _is_local(base_url, door),  # a proxy cannot reach a board on this machine
        )

    def close(self) -> None:
        """End every stream and every wait, from any thread, without waiting for its next word."""
        self._closing.set()
        for connection in list(self._sockets):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # closing alone would not wake a thread that reads

    def release(self) -> None:
        """Let go of the connections, when no thread uses them any more."""
        self._client.close()

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, board_id: str | None = None
    ) -> Answer:
        """One answer, asked for again while the source says it cannot now. With `board_id`, 404 is BoardGone."""
        return self._patiently(lambda: self._ask("GET", path, board_id, params=params))

    def post(self, path: str, body: object, *, board_id: str | None = None) -> Answer:
        """One answer to JSON that only asks (GraphQL, JSON-RPC): so it may be sent again like a GET."""
        return self._patiently(lambda: self._ask("POST", path, board_id, body=body))

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        for attempt in range(1, self._attempts + 1):
            try:
                return ask()
            except SourceUnavailable as error:
                wait = error.retry_after
                if attempt == self._attempts or (wait and wait > PATIENCE) or self._closing.is_set():
                    raise
                longest = min(_LONGEST_WAIT, self._first_wait * 2 ** (attempt - 1))
                seconds = longest * (1 + random.random()) / 2  # noqa: S311 - so that readers do not come all at once
                self._closing.wait(seconds if wait is None else wait.total_seconds())
        raise AssertionError("a retry ends by answer or by error")

    def _ask(
        self,
        method: str,
        path: str,
        board_id: str | None,
        params: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        asked = f"{method} {self.base_url}{path}"
        question = f"{path}?{sorted((params or {}).items())}"
        before = self._memory.recall(question) if method == "GET" else None
        with self._manners.turn(asked):  # one request at a time; streams have their own connections
            if self._closing.is_set():
                raise SourceUnavailable(f"{self.base_url} is not read any more")
            try:
                response = self._client.request(
                    method, path, params=params, json=body, headers=before.marks if before else None
                )
            except httpx.HTTPError as error:
                raise self._silent(asked, error) from error
        # httpx lets an answer and its stream hold each other: megabytes would wait for the garbage collector.
        response.stream = httpx.ByteStream(response.content)
        is_same = before is not None and response.status_code == httpx.codes.NOT_MODIFIED
        if not is_same:
            self._check(response, asked, board_id)
        self._manners.went_well()
        content = before.body if before and is_same else response.content
        told = self._parsed(content, response, asked)
        if method == "GET" and not is_same:
            self._memory.keep(question, content, response.headers)
        return Answer(told, response.headers, response.status_code, is_same, asked, content, self.door)

    def _parsed(self, content: bytes, response: httpx.Response, asked: str) -> object:
        try:
            told = parse(content)
        except (ValueError, RecursionError) as error:
            raise self._strange(response, asked) from error
        if not isinstance(told, dict | list):
            raise self._strange(response, asked)
        return told

    @contextmanager
    def stream(
        self, path: str, after: str | None, *, board_id: str | None = None
    ) -> Iterator[Iterator[httpx_sse.ServerSentEvent]]:
        """The server-sent events of a path, from after the event `after` on (None: from now)."""
        asked = f"GET {self.base_url}{path}"
        headers = {} if after is None else {"Last-Event-ID": after}
        timeout = httpx.Timeout(20.0, connect=5.0, read=_KEEP_ALIVE * 3)
        try:
            with httpx_sse.connect_sse(self._client, "GET", path, headers=headers, timeout=timeout) as source:
                if source.response.status_code != httpx.codes.OK:
                    source.response.read()
                if source.response.status_code == httpx.codes.NO_CONTENT:
                    raise StreamEnded(for_good=True)
                self._check(source.response, asked, board_id)
                with self._closable(source.response):
                    yield source.iter_sse()
        except httpx_sse.SSEError as error:
            raise SourceChanged(
                f"{asked} is no event stream ({error}); {self.door.look_at_address}"
            ) from error
        except (httpx.HTTPError, ValueError) as error:
            # ValueError: a TLS socket shut down while it is read
            raise self._silent(asked, error) from error

    @contextmanager
    def _closable(self, response: httpx.Response) -> Iterator[None]:
        stream = response.extensions.get("network_stream")
        connection = stream.get_extra_info("socket") if stream else None
        if connection is None:
            yield
            return
        self._sockets.add(connection)
        try:
            if self._closing.is_set():
                raise SourceUnavailable(f"{self.base_url} is not read any more")
            yield
        finally:
            self._sockets.discard(connection)

    def _check(self, response: httpx.Response, asked: str, board_id: str | None) -> None:
        """Raise what this status means for the caller."""
        status, key = response.status_code, self.door.key_setting
        if status == httpx.codes.UNAUTHORIZED:
            raise SourceRefused(f"{asked} answered 401: the key is missing or unknown; check {key}")
        if status == httpx.codes.FORBIDDEN and not is_rate_limit(response):
            raise SourceRefused(f"{asked} answered 403{said(response)}; check that {key} may read this board")
        if status in _LATER or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            wait = retry_after(response.headers)
            if status in _LATER:
                self._manners.too_much()
            if wait:
                self._manners.rest(wait)
            raise SourceUnavailable(f"{asked} answered {status}{said(response)}; {later(wait)}", wait)
        if status == httpx.codes.NOT_FOUND and board_id is not None:
            raise BoardGone(f"{asked} answered 404: the board was deleted, or this key does not see it")
        if not response.is_success:
            raise SourceChanged(
                f"{asked} answered {status}{said(response)}; {self.door.look_at_address}", response.content
            )

    def _silent(self, asked: str, error: Exception) -> SourceUnavailable:
        what = str(error) or type(error).__name__
        return SourceUnavailable(
            f"{asked} got no answer ({what}); check that it runs and {self.door.address_setting}"
        )

    def _strange(self, response: httpx.Response, asked: str) -> SourceChanged:
        kind = response.headers.get("content-type", "no content type")
        return SourceChanged(
            f"{asked} answered {response.status_code} with {kind}, not JSON; {self.door.look_at_address}",
            response.content,
        )


def _address(base_url: str, door: Door) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
        urlsplit(base_url)  # stricter about brackets
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceRefused(
            f"{base_url!r} is no address ({error}); set {door.address_setting} to http(s)://host"
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceRefused(f"{base_url!r} is no address; set {door.address_setting} to http(s)://host")
    return url


def _is_local(base_url: str, door: Door) -> bool:
    host = _address(base_url, door).host
    return host in ("localhost", "::1") or host.startswith("127.")
