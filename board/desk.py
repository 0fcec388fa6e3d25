"""Between HTTP and the store: reads requests, checks keys, runs the blocking work beside the event loop, answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from board import auth
from board.model import Invalid, Record, stamp
from board.store import Change, Store
from board.tables import answers

KEPT = timedelta(hours=24)
"""How long the answer to a write with an idempotency key is kept."""

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Call:
    """A request, with its key checked and its body read."""

    key: auth.Key
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Record

    @property
    def reader(self) -> str:
        """Whose workspaces decide what this request can see."""
        return self.key.member_id

    def asked(self, name: str) -> str:
        """A parameter of the query string that has to be there."""
        if not self.query.get(name):
            raise Invalid(f"{name}: this query parameter is needed")
        return self.query[name]


Reader = Callable[[Connection, Call], Record]
Writer = Callable[[Change, Call], tuple[int, Record]]


class Desk:
    """Turns functions over the store into endpoints."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self.store = store
        self._clock = clock

    def read(self, reader: Reader) -> Endpoint:
        """An endpoint that shows something."""

        def work(request: Request) -> Record:
            with self.store.reading() as connection:
                key = auth.check(connection, request.headers)
                return reader(connection, Call(key, request.path_params, request.query_params, {}))

        async def endpoint(request: Request) -> Response:
            return JSONResponse(await run_in_threadpool(work, request))

        return endpoint

    def write(self, writer: Writer) -> Endpoint:
        """An endpoint that changes something: change, log entries and kept answer in one commit."""

        def work(request: Request, raw: bytes) -> tuple[int, Record]:
            with self.store.reading() as connection:
                key = auth.check(connection, request.headers)
                actor = auth.actor(connection, key, request.headers)
            call = Call(key, request.path_params, request.query_params, _parsed(raw))
            once = request.headers.get("X-Idempotency-Key")
            with self.store.change(actor, self._clock()) as change:
                if not once:
                    return writer(change, call)
                request_hash = _request_hash(request, raw, actor.id)
                kept = _kept_answer(change, key.id, once, request_hash)
                if kept is not None:
                    return kept
                status, body = writer(change, call)
                _keep_answer(change, key.id, once, request_hash, status, body, self._clock())
                return status, body

        async def endpoint(request: Request) -> Response:
            status, body = await run_in_threadpool(work, request, await request.body())
            return JSONResponse(body, status)

        return endpoint


def _parsed(raw: bytes) -> Record:
    if not raw:
        return {}
    try:
        body = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Invalid("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Invalid("the body has to be a JSON object")
    return body


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _request_hash(request: Request, raw: bytes, actor_id: str) -> str:
    what = f"{request.method} {request.url.path}?{request.url.query}\n{actor_id}\n".encode()
    return hashlib.sha256(what + raw).hexdigest()


def _kept_answer(change: Change, key_id: str, once: str, request_hash: str) -> tuple[int, Record] | None:
    query = select(answers).where(answers.c.key_id == key_id, answers.c.idempotency_key == once)
    row = change.connection.execute(query).mappings().first()
    if row is None:
        return None
    if row["request_hash"] != request_hash:
        raise Invalid("X-Idempotency-Key was used for another request; take a new one")
    return row["status"], row["body"]


def _keep_answer(
    change: Change, key_id: str, once: str, request_hash: str, status: int, body: Record, now: datetime
) -> None:
    change.connection.execute(delete(answers).where(answers.c.created_at < stamp(now - KEPT)))
    change.connection.execute(
        insert(answers),
        {
            "key_id": key_id,
            "idempotency_key": once,
            "request_hash": request_hash,
            "status": status,
            "body": body,
            "created_at": stamp(now),
        },
    )
