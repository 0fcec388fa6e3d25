"""What an answer says beside its content: JSON as it is met outside, when to come back, the words of an error. Pure."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import orjson

_LONGEST_REST = 7 * 86_400  # seconds; whoever asks for more is looked at again after a week
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # whole pairs too: those are rare, and stay what they are


def parse(body: bytes | str) -> object:
    """JSON as it is met outside: a broken byte becomes `\ufffd`, a number that is none becomes null.

    Half a surrogate pair, which JSON can spell and no database can keep, becomes `?`. Raises ValueError or
    RecursionError where it is not JSON at all.
    """
    with suppress(orjson.JSONDecodeError):  # most answers: well-formed, and read four times as fast
        return orjson.loads(body)
    text = body.decode(json.detect_encoding(body), "replace") if isinstance(body, bytes) else body
    told: object = json.loads(text, parse_constant=lambda _: None)
    if _SURROGATE.search(text):
        told = json.loads(json.dumps(told, ensure_ascii=False).encode(errors="replace"))
    return told


def retry_after(headers: httpx.Headers) -> timedelta | None:
    """How long to wait, as the answer says it, None where it does not.

    Retry-After comes as seconds, or as a date that the answer's own date is the measure of; a used up budget
    (X-RateLimit-Remaining: 0) names the second at which it is full again.
    """
    told, asked_at = headers.get("retry-after", ""), headers.get("date", "")
    if told.isdigit():
        return timedelta(seconds=min(int(told[:12]), _LONGEST_REST))
    try:
        if not told and headers.get("x-ratelimit-remaining") == "0":
            again_at = datetime.fromtimestamp(int(headers["x-ratelimit-reset"]), UTC)
        else:
            again_at = parsedate_to_datetime(told)
        wait = again_at - parsedate_to_datetime(asked_at)
    except (ValueError, TypeError, KeyError, OverflowError, OSError):  # TypeError: one of them names no zone
        return None
    return min(max(wait, timedelta()), timedelta(seconds=_LONGEST_REST))


def is_rate_limit(response: httpx.Response) -> bool:
    """Whether a 403 means "too much" and not "never": GitHub answers it for used up budgets too."""
    return "retry-after" in response.headers or response.headers.get("x-ratelimit-remaining") == "0"


def later(wait: timedelta | None) -> str:
    """When to try again."""
    return "try again later" if wait is None else f"try again in {wait.total_seconds():.0f} s"


def said(response: httpx.Response) -> str:
    """What the source said about it, in a few words; an error body need not be JSON."""
    try:
        told = response.json()
    except (ValueError, RecursionError):
        told = None
    text = told.get("error") or told.get("message") if isinstance(told, dict) else None
    if not isinstance(text, str):
        is_page = "html" in response.headers.get("content-type", "")
        text = "" if is_page else response.text
    words = " ".join(text.split())[:120]
    return f" ({words})" if words else ""
