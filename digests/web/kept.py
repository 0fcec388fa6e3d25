"""What a mail told, kept beside it in full, so that its page shows the same later whatever happens to the boards. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from digests.layout import UNCUT, Block, Entry, Layout, Statement, Title, Total, laid_out
from digests.model import CatchUp


@dataclass(frozen=True, slots=True)
class Kept:
    """What was told, uncut, and the ids of the boards it told of: who is not on one of them any more may not see it."""

    boards: tuple[str, ...]
    layout: Layout


def keep(catch_up: CatchUp) -> Kept:
    """What is to be kept of a digest."""
    return Kept(catch_up.boards, laid_out(catch_up, UNCUT))


def packed(kept: Kept) -> bytes:
    """As the ledger keeps it."""
    return zlib.compress(orjson.dumps(kept), 1)


def unpacked(packed: bytes) -> Kept:
    """What `packed` wrote."""
    value = orjson.loads(zlib.decompress(packed))
    return Kept(tuple(value["boards"]), _layout(value["layout"]))


def _layout(value: Mapping[str, Any]) -> Layout:
    return Layout(
        subject=value["subject"],
        headline=value["headline"],
        when=value["when"],
        tiles=tuple((number, name) for number, name in value["tiles"]),
        blocks=tuple(
            Block(one["name"], one["count"], tuple(map(_entry, one["entries"])), one["left_out"])
            for one in value["blocks"]
        ),
        totals=tuple(Total(**one) for one in value["totals"]),
        footer=tuple(value["footer"]),
    )


def _entry(value: Mapping[str, Any]) -> Entry:
    parts = {
        "titles": tuple(Title(**one) for one in value["titles"]),
        "statements": tuple(Statement(**one) for one in value["statements"]),
    }
    return Entry(**{**value, **parts})
