"""Where a lake lies: its catalog, its data and the keys to both, as the settings name them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

SETTING = "DAYBREAK_WAREHOUSE"
DATA_SETTING = "DAYBREAK_LAKE_DATA"
SCHEME = "ducklake:postgres:"

_PAIR = re.compile(r"(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))")
"""What libpq takes for a connection: `name=value` or `name='value'`, separated by spaces."""


class BadAddress(ValueError):
    """The settings name no lake that could be opened; the message says which one is wrong."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How S3-compatible storage is reached, in the words of the AWS settings. No endpoint: Amazon's own."""

    endpoint: str = ""
    region: str = ""
    key: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Lake:
    """One lake: its catalog's database and the place of its data, `/folder/` or `s3://bucket/folder/` (empty: as the catalog says).

    `catalog` is what libpq takes for a connection, without the password: so no message can tell it.
    """

    catalog: str
    password: str = field(default="", repr=False)
    data: str = ""
    storage: Storage = field(default_factory=Storage)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"the lake at {self.catalog}"


def lake_of(settings: Mapping[str, str]) -> Lake | None:
    """The lake these settings (the environment) name; None where the warehouse is a file of the home's own."""
    address = settings.get(SETTING, "").strip()
    if not address:
        return None
    catalog = address.removeprefix(SCHEME).strip()
    if catalog == address or not ("=" in catalog or "://" in catalog):
        # What it says instead is not repeated: it may hold a password.
        raise BadAddress(
            f"{SETTING} does not begin with `{SCHEME}` and a database's address:\n"
            f"write `{SCHEME}host=db.example.org dbname=daybreak user=daybreak`, or unset it for a warehouse of one file."
        )
    told = _of_uri(catalog) if "://" in catalog else _of_pairs(catalog)
    password = told.pop("password", "")
    told.setdefault("connect_timeout", "10")
    return Lake(
        " ".join(f"{name}={_quoted(value)}" for name, value in told.items()),
        password,
        _folder(settings.get(DATA_SETTING, "")),
        storage_of(settings),
    )


def storage_of(settings: Mapping[str, str]) -> Storage:
    """What the AWS settings say; the one for S3 alone comes first."""
    return Storage(
        endpoint=settings.get("AWS_ENDPOINT_URL_S3") or settings.get("AWS_ENDPOINT_URL", ""),
        region=settings.get("AWS_REGION") or settings.get("AWS_DEFAULT_REGION", ""),
        key=settings.get("AWS_ACCESS_KEY_ID", ""),
        secret=settings.get("AWS_SECRET_ACCESS_KEY", ""),
        token=settings.get("AWS_SESSION_TOKEN", ""),
    )


def _folder(told: str) -> str:
    """With the slash at its end that the catalog keeps it with."""
    told = told.strip()
    if not told:
        return ""
    if not told.startswith("/") and not urlsplit(told).scheme:
        raise BadAddress(
            f"{DATA_SETTING}={told} is neither a folder from the root (`/srv/daybreak`) nor `s3://bucket/folder`:\n"
            f"every machine must find the same place by it."
        )
    return told.rstrip("/") + "/"


def _of_pairs(told: str) -> dict[str, str]:
    return {
        name: re.sub(r"\\(.)", r"\1", in_quotes) if in_quotes else plain
        for name, in_quotes, plain in _PAIR.findall(told)
    }


def _of_uri(told: str) -> dict[str, str]:
    try:
        uri = urlsplit(told)
        parts = {
            "host": uri.hostname or "",
            "port": str(uri.port or ""),
            "user": uri.username or "",
            "password": uri.password or "",
            "dbname": uri.path.strip("/"),
        }
    except ValueError as error:
        raise BadAddress(f"{SETTING} holds an address that cannot be read ({error}).") from None
    return {name: unquote(value) for name, value in parts.items() if value} | dict(parse_qsl(uri.query))


def _quoted(value: str) -> str:
    """The value as libpq reads it back."""
    plain = value.replace("\\", "\\\\").replace("'", "\\'")
    return plain if plain == value and value and not re.search(r"\s", value) else f"'{plain}'"
