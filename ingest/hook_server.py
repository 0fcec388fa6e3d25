"""`daybreak ingest hooks` on a socket: reads deliveries, small and quick ones only, and gives them to the receiver."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingest.heard import Taker
from ingest.hooks import SECRETS, Receiver, Reply
from ingest.sources import Clock, Delivery
from warehouse.home import Home

LARGEST_BODY = 25_000_000
"""Bytes; GitHub sends nothing larger, and nobody else comes near."""

SLOWEST_BODY = 30.0
"""Seconds a body may take to come."""

_AT_ONCE = 64  # connections; more are told 503, so that what strangers send cannot fill the memory


class PortInUse(Exception):
    """Somebody else listens there: take another port, or stop the other one."""


class BodyRefused(Exception):
    """The body is too large or too slow."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def app(
    receiver: Receiver, *, public_url: str = "", slowest: float = SLOWEST_BODY, largest: int = LARGEST_BODY
) -> Starlette:
    """`POST /hooks/{source}`, and the GET or HEAD with which a sender asks whether somebody is there.

    `public_url` is where senders reach this, as https://host, when a proxy or tunnel stands in between.
    """

    async def hook(request: Request) -> Response:
        source = request.path_params["source"]
        if request.method != "POST":
            return PlainTextResponse("", 200 if receiver.knows(source) else 404)
        try:
            body = await asyncio.wait_for(_body(request, largest), slowest)
        except (BodyRefused, TimeoutError) as error:
            status = error.status if isinstance(error, BodyRefused) else 408
            return PlainTextResponse(
                str(error) or "the body took too long", status, headers={"Connection": "close"}
            )
        except ClientDisconnect:
            return PlainTextResponse("", 400)
        reply = await run_in_threadpool(receiver.receive, source, _delivery(request, body, public_url))
        return _response(reply)

    return Starlette(routes=[Route("/hooks/{source}", hook, methods=["GET", "HEAD", "POST"])])


async def _body(request: Request, largest: int) -> bytes:
    """The body; BodyRefused as soon as it is known to be too large."""
    too_large = BodyRefused(413, f"no more than {largest} bytes, please")
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > largest:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise too_large
    return bytes(body)


def _delivery(request: Request, body: bytes, public_url: str) -> Delivery:
    path = request.url.path
    query = f"?{request.url.query}" if request.url.query else ""
    base = public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
    return Delivery(path, dict(request.query_params), dict(request.headers), body, f"{base}{path}{query}")


def _response(reply: Reply) -> Response:
    headers = {} if reply.retry_after is None else {"Retry-After": str(reply.retry_after)}
    return PlainTextResponse(reply.text, reply.status, headers=headers)


class Server(uvicorn.Server):
    """Uvicorn that returns when told to stop instead of raising the signal again."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- uvicorn's signature
        """A signal asks to stop; a second one does not wait for open requests."""
        self.force_exit = self.should_exit
        self.should_exit = True


def server(receiver: Receiver, *, public_url: str = "", largest: int = LARGEST_BODY) -> Server:
    """A server for this receiver, to be run on a listening socket: `server(…).run(sockets=[…])`."""
    config = uvicorn.Config(
        app(receiver, public_url=public_url, largest=largest),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        loop="asyncio",
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=10,  # whoever waits for a commit gets an answer
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises PortInUse."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"cannot listen for webhooks on {host}:{port} ({error.strerror}); stop what listens there or choose another --port"
        ) from error
    return listener


def serve(
    home: Home,
    *,
    host: str,
    port: int,
    settings: Mapping[str, str],
    public_url: str,
    clock: Clock,
    say: Callable[[str], None],
) -> None:
    """Receive webhooks until SIGINT or SIGTERM. Raises PortInUse."""
    with listen(host, port) as listener, Taker(home, say=say) as taker:
        receiver = Receiver(home, taker, settings=settings, clock=clock, say=say)
        open_to = [source for source, setting in SECRETS.items() if settings.get(setting)]
        shown_host = f"[{host}]" if ":" in host else host
        say(
            f"hooks=up url=http://{shown_host}:{listener.getsockname()[1]}/hooks/ sources={','.join(open_to) or 'none'}"
        )
        server(receiver, public_url=public_url).run(sockets=[listener])
    say("hooks=stopped")
