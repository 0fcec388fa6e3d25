"""Tells open pages over a WebSocket that a new warehouse was published, so that nobody has to poll for it."""

from __future__ import annotations

import asyncio

import streamlit as st
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from warehouse.home import Home
from warehouse.reading import current

PATH = "/daybreak/published"
LOOK_EVERY_SECONDS = 0.1  # one look costs tens of microseconds: a small file is read


def route(home: Home) -> WebSocketRoute:
    """A route that tells the published version and its age, at once and whenever they change."""

    async def published(socket: WebSocket) -> None:
        await socket.accept()
        told: dict[str, object] = {}
        while not await _gone(socket):
            news = _news(home)
            if news != told:
                await socket.send_json(news)
                told = news

    return WebSocketRoute(address(), published)


def _news(home: Home) -> dict[str, object]:
    """Whole seconds, so that a busy writer is not a busy socket."""
    published = current(home)
    if published is None:
        return {"version": None, "checked_ms": 0}
    return {"version": published.version, "checked_ms": int(published.checked_at.timestamp()) * 1000}


async def _gone(socket: WebSocket) -> bool:
    """Whether the viewer has left; waits for that, but not long."""
    try:
        message = await asyncio.wait_for(socket.receive(), LOOK_EVERY_SECONDS)
    except TimeoutError:
        return False
    return bool(message["type"] == "websocket.disconnect")


def base() -> str:
    """The path the dashboard lies below, "" at the root."""
    below = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{below}" if below else ""


def address() -> str:
    """The route's path as the browser sees it."""
    return f"{base()}{PATH}"
