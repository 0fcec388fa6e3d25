"""Addresses that only we can have written: what is in them is signed with a secret of the home, for one purpose each."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Literal

from itsdangerous import BadData, URLSafeSerializer

from warehouse.home import Home

Purpose = Literal["view", "unsubscribe", "undo"]
LONGEST = 4000
"""Characters of a token that are looked at: what is longer is none of ours."""


def signed(home: Home, purpose: Purpose, *values: object) -> str:
    """The values as a token fit for an address. The same values give the same token."""
    return str(_serializer(home, purpose).dumps(list(values)))


def told(home: Home, purpose: Purpose, token: str) -> list[Any] | None:
    """The values of a token that was signed here for this purpose; None for any other text."""
    if len(token) > LONGEST:
        return None
    try:
        values = _serializer(home, purpose).loads(token)
    except BadData:
        return None
    return list(values)


def _serializer(home: Home, purpose: Purpose) -> URLSafeSerializer:
    return URLSafeSerializer(read_or_make_secret(home.links_key), salt=f"daybreak.{purpose}")


def read_or_make_secret(path: Path) -> str:
    """The home's secret for links; on the first use a new one, readable by its owner only, whole or not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        try:
            os.link(new, path)  # of two processes that begin at once, one secret stands
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return path.read_text().strip()
