"""Asks a Flux over HTTP, and turns every way an answer can fail into what the caller does next."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx_sse
import stamina

from ingest.sources import BoardGone, SourceChanged, SourceRefused, SourceUnavailable

USER_AGENT = "daybreak/0.1 (+board reader)"  # library names are turned away at Flux's edge
CHECK_ADDRESS = "check that FLUX_BASE_URL is the address of a Flux and not of a page before it"
_PATIENCE = timedelta(seconds=30)  # the longest Retry-After we sit out; beyond that a person is told
_KEEP_ALIVE = 15.0  # seconds between signs of life on a stream, as the contract has it

# A retry is no news: when all of them have failed, the error says so once.
stamina.instrumentation.set_on_retry_hooks(())


class Wire:
    """HTTP to one Flux with one key. Safe to use from several threads; `close` ends open streams at once."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.BaseTransport | None,
        attempts: int,
        first_wait: timedelta,
    ) -> None:
        """Raises SourceRefused where the address or the key cannot be right."""
        self.base_url = base_url.rstrip("/")
        self._attempts, self._first_wait = attempts, first_wait
        self._sockets: set[socket.socket] = set()
        self._closing = threading.Event()
        self._client = httpx.Client(
            base_url=_address(base_url),
            headers={
                "Authorization": f"Bearer {_key(api_key)}",
                "User-Agent": USER_AGENT,
                "Accept": "application/json",
            },
            timeout=httpx.Timeout(20.0, connect=5.0),
            limits=httpx.Limits(max_connections=None),
            transport=transport,
            trust_env=not _is_local(base_url),  # a proxy cannot reach a board on this machine
        )

    def close(self) -> None:
        """End every stream, from any thread, without waiting for its next word."""
        self._closing.set()
        for connection in list(self._sockets):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # closing alone would not wake a thread that reads

    def release(self) -> None:
        """Let go of the connections, when no thread uses them any more."""
        self._client.close()

    def get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        """One answer, asked for again while the source says it cannot now."""
        for attempt in stamina.retry_context(
            on=self._again,
            attempts=self._attempts,
            wait_initial=self._first_wait,
            wait_jitter=self._first_wait,
        ):
            with attempt:
                return self._ask(path, params)
        raise AssertionError("a retry ends by answer or by error")

    def _again(self, error: Exception) -> bool | float:
        """Whether, and where the source said so in how many seconds, to ask again."""
        if not isinstance(error, SourceUnavailable) or self._closing.is_set():
            return False
        if error.retry_after is None:
            return True
        return error.retry_after.total_seconds() if error.retry_after <= _PATIENCE else False

    def _ask(self, path: str, params: dict[str, str] | None) -> dict[str, Any]:
        if self._closing.is_set():
            raise SourceUnavailable(f"{self.base_url} is not read any more")
        try:
            response = self._client.get(path, params=params)
        except httpx.HTTPError as error:
            raise self._silent(path, error) from error
        self._check(response, path)
        try:
            told = response.json()
        except ValueError as error:
            raise SourceChanged(self._strange(path, response)) from error
        if not isinstance(told, dict):
            raise SourceChanged(self._strange(path, response))
        return told

    @contextmanager
    def stream(self, path: str, after: int | None) -> Iterator[Iterator[httpx_sse.ServerSentEvent]]:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        timeout = httpx.Timeout(20.0, connect=5.0, read=_KEEP_ALIVE * 3)
        try:
            with httpx_sse.connect_sse(self._client, "GET", path, headers=headers, timeout=timeout) as source:
                if source.response.status_code != httpx.codes.OK:
                    source.response.read()
                self._check(source.response, path)
                with self._closable(source.response):
                    yield source.iter_sse()
        except httpx_sse.SSEError as error:
            raise SourceChanged(
                f"GET {self.base_url}{path} is no event stream ({error}); {CHECK_ADDRESS}"
            ) from error
        except (httpx.HTTPError, ValueError) as error:
            # ValueError: a TLS socket shut down while it is read
            raise self._silent(path, error) from error

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

    def _check(self, response: httpx.Response, path: str) -> None:
        """Raise what this status means for the caller."""
        status, where = response.status_code, f"GET {self.base_url}{path}"
        if status == httpx.codes.UNAUTHORIZED:
            raise SourceRefused(f"{where} answered 401: the key is missing or unknown; check FLUX_API_KEY")
        if status == httpx.codes.FORBIDDEN:
            raise SourceRefused(
                f"{where} answered 403{_said(response)}; check that FLUX_API_KEY may read this board"
            )
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            wait = _retry_after(response)
            raise SourceUnavailable(f"{where} answered {status}{_said(response)}; {_later(wait)}", wait)
        if status == httpx.codes.NOT_FOUND and path.startswith("/api/boards/") and path != "/api/boards/all":
            raise BoardGone(f"{where} answered 404: the board was deleted, or this key does not see it")
        if status != httpx.codes.OK:
            raise SourceChanged(f"{where} answered {status}{_said(response)}; {CHECK_ADDRESS}")

    def _silent(self, path: str, error: Exception) -> SourceUnavailable:
        what = str(error) or type(error).__name__
        return SourceUnavailable(
            f"GET {self.base_url}{path} got no answer ({what}); check that it runs and FLUX_BASE_URL"
        )

    def _strange(self, path: str, response: httpx.Response) -> str:
        kind = response.headers.get("content-type", "no content type")
        return f"GET {self.base_url}{path} answered 200 with {kind}, not a JSON object; {CHECK_ADDRESS}"


def _address(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
        urlsplit(base_url)  # stricter about brackets
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceRefused(
            f"{base_url!r} is no address ({error}); set FLUX_BASE_URL to http(s)://host"
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceRefused(f"{base_url!r} is no address; set FLUX_BASE_URL to http(s)://host")
    return url


def _key(api_key: str) -> str:
    if not api_key or not api_key.isascii() or not api_key.isprintable():
        raise SourceRefused("the key is empty or has characters no key has; check FLUX_API_KEY")
    return api_key


def _is_local(base_url: str) -> bool:
    host = _address(base_url).host
    return host in ("localhost", "::1") or host.startswith("127.")


def _retry_after(response: httpx.Response) -> timedelta | None:
    """Retry-After as a span: it comes as seconds, or as a date that the answer's own date is the measure of."""
    told = response.headers.get("retry-after", "")
    if told.isdigit():
        return timedelta(seconds=min(int(told), 86_400))
    try:
        wait = parsedate_to_datetime(told) - parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError):  # TypeError: one of them names no zone
        return None
    return max(wait, timedelta())


def _later(wait: timedelta | None) -> str:
    return "try again later" if wait is None else f"try again in {wait.total_seconds():.0f} s"


def _said(response: httpx.Response) -> str:
    """What the source said about it, in a few words; an error body need not be JSON."""
    try:
        told = response.json()
    except ValueError:
        told = None
    text = told.get("error") if isinstance(told, dict) else None
    if not isinstance(text, str):
        is_page = "html" in response.headers.get("content-type", "")
        text = "" if is_page else response.text
    words = " ".join(text.split())[:120]
    return f" ({words})" if words else ""
