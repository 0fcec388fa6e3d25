"""The HTTP around it: two addresses, each with a GET that changes nothing and a POST that needs no cookie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Message

from digests.ledger import LedgerUnavailable
from digests.web import unsubscribe, view
from digests.web.answers import HEADERS, Answer, asks
from warehouse.home import Home
from warehouse.reading import NothingPublished

LONGEST = 64 * 1024
"""Bytes of a form that are read; what is longer says nothing."""
Clock = Callable[[], datetime]
Form = Mapping[str, str]


def routes(home: Home, clock: Clock, base: str = "") -> list[Route]:
    """The routes, below the path `base`."""

    async def mail(request: Request) -> Response:
        token = request.path_params["token"]
        if request.method != "POST":
            return await _answered(lambda: view.show(home, token, clock()))
        form = await _form(request)
        return await _answered(lambda: view.act(home, token, form, clock()))

    async def way_out(request: Request) -> Response:
        token = request.path_params["token"]
        if request.method != "POST":
            return await _answered(lambda: unsubscribe.ask(home, token))
        form = await _form(request)
        return await _answered(lambda: unsubscribe.act(home, token, form, clock()))

    return [_route(f"{base}/mail/{{token}}", mail), _route(f"{base}/unsubscribe/{{token}}", way_out)]


def _route(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, endpoint, methods=["GET", "POST"])


async def _answered(ask: Callable[[], Answer]) -> Response:
    try:
        answer = await run_in_threadpool(ask)
    except (LedgerUnavailable, NothingPublished):
        answer = asks("Not at this moment.", ["Daybreak is busy. Try again in a minute."], [], status=503)
    retry = {"Retry-After": "60"} if answer.status == 503 else {}
    return HTMLResponse(answer.page, answer.status, {**HEADERS, **retry})


async def _form(request: Request) -> Form:
    """The fields of a form in either encoding; none of a body that is too long or cannot be read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            return {}

    async def once_more() -> Message:
        return {"type": "http.request", "body": body}

    try:
        form = await Request(request.scope, once_more).form(max_files=0, max_fields=20)
    except HTTPException:
        return {}
    return {name: value for name, value in form.items() if isinstance(value, str)}
