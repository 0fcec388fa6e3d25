"""What every source needs to hear a webhook: the proof that it is the sender's own, and what its body says. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import parse_qs

from ingest.sources import Delivery, HookRefused
from ingest.sources.values import mapping
from ingest.sources.wire import parse


def prove(told: str, expected: str, where: str) -> None:
    """Raise HookRefused unless what the sender told (in `where`) is what it must be; takes the same time either way."""
    if not told:
        raise HookRefused(f"{where} is missing; does the sender know the secret?")
    if not hmac.compare_digest(told.encode("utf-8", "replace"), expected.encode("utf-8", "replace")):
        raise HookRefused(f"{where} is another one; the sender's secret and ours must be the same")


def signature(body: bytes, secret: str, algorithm: Literal["sha1", "sha256"]) -> bytes:
    """The HMAC of a body."""
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).digest()


def said(delivery: Delivery) -> Mapping[str, Any]:
    """The JSON object in a delivery's body, sent as it is or as the form field `payload`; empty where there is none."""
    try:
        body: bytes | str = delivery.body
        if delivery.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            body = parse_qs(delivery.body.decode("utf-8", "replace"))["payload"][0]
        return mapping(parse(body))
    except (ValueError, RecursionError, KeyError):
        return {}
