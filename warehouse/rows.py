"""Events and snapshots as rows of a table, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import orjson
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
from polars.datatypes import DataType, DataTypeClass

from warehouse.model import Entity, Event, Snapshot

_JSON = ("before", "after", "payload")
_INSTANT, _TEXT = pa.timestamp("us", "UTC"), pa.string()

EVENT_SCHEMA: dict[str, pa.DataType] = {
    "event_offset": pa.int64(),
    "source": _TEXT,
    "event_id": _TEXT,
    "board_id": _TEXT,
    "card_id": _TEXT,
    "actor_id": _TEXT,
    "action": _TEXT,
    "entity_type": _TEXT,
    "entity_id": _TEXT,
    "occurred_at": _INSTANT,
    "observed_at": _INSTANT,
    "inferred": pa.bool_(),
    "column_from": _TEXT,
    "column_to": _TEXT,
    **{name: pa.json_() for name in _JSON},  # DuckDB takes it at its word and does not parse it again
}
"""The columns of `events`, in order."""

SNAPSHOT_SCHEMA: dict[str, DataType | DataTypeClass] = {
    "source": pl.String,
    "board_id": pl.String,
    "entity_type": pl.String,
    "entity_id": pl.String,
    "taken_at": pl.Datetime("us", "UTC"),
    "fields": pl.String,
}


def event_rows(events: Sequence[Event], head: int) -> pa.Table:
    """One row an event, in order, with the offsets after `head`."""
    offsets = range(head + 1, head + 1 + len(events))
    told = [_column(name, events) for name in EVENT_SCHEMA if name != "event_offset"]
    return pa.table([pa.array(offsets, pa.int64()), *told], pa.schema(list(EVENT_SCHEMA.items())))


def _column(name: str, events: Sequence[Event]) -> pa.Array:
    values = map(attrgetter(name), events)
    if name not in _JSON:
        return pa.array(values, EVENT_SCHEMA[name])
    as_json = _as_told if name == "payload" else _as_json
    # What is JSON is UTF-8: bytes become text by another name, without a look at each.
    text = pa.array([as_json(value) for value in values], pa.binary()).view(_TEXT)
    return pa.ExtensionArray.from_storage(EVENT_SCHEMA[name], text)


def snapshot_rows(snapshot: Snapshot) -> pl.DataFrame:
    """One row a thing, and one for every person the things name, so that members are never nameless ids."""
    rows = {(entity.entity_type, entity.entity_id): entity for entity in snapshot.entities}
    for member_id in sorted(_people_named(snapshot.entities)):
        rows.setdefault(("member", member_id), Entity("member", member_id, {}))
    return pl.DataFrame(
        [
            (
                snapshot.source,
                snapshot.board_id,
                row.entity_type,
                row.entity_id,
                snapshot.taken_at,
                _as_json(row.fields).decode(),
            )
            for row in rows.values()
        ],
        schema=SNAPSHOT_SCHEMA,
        orient="row",
    )


def events_of(frame: pl.DataFrame) -> list[Event]:
    """The rows of `events` as values again."""
    names = frame.columns
    places = [names.index(name) for name in _JSON]
    found = []
    for row in map(list, frame.iter_rows()):
        for place in places:
            row[place] = json.loads(row[place]) if row[place] else {}
        found.append(Event(**dict(zip(names, row, strict=True))))
    return found


def _people_named(entities: Iterable[Entity]) -> set[str]:
    named: set[str] = set()
    for entity in entities:
        named.update(entity.fields.get("member_ids") or ())
        named.update(entity.fields[key] for key in ("member_id", "created_by") if entity.fields.get(key))
    return named


def _as_json(fields: Mapping[str, Any]) -> bytes:
    """The same fields always give the same text. What no file can hold (half a surrogate pair) becomes `?`."""
    return _dumps(fields, orjson.OPT_SORT_KEYS) if fields else b"{}"


def _as_told(fields: Mapping[str, Any]) -> bytes:
    """Fields in the order in which their source told them."""
    return _dumps(fields, 0)


def _dumps(fields: Mapping[str, Any], option: int) -> bytes:
    try:
        return orjson.dumps(fields, option=option)
    except TypeError:  # numbers beyond 64 bits, half a surrogate pair, nesting beyond what orjson takes
        text = json.dumps(dict(fields), sort_keys=bool(option), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")
