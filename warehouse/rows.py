"""Events and snapshots as rows of a table, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import orjson
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
from polars.datatypes import DataType, DataTypeClass

from warehouse.model import Entity, Event, Snapshot

EVENT_SCHEMA: dict[str, DataType | DataTypeClass] = {
    "source": pl.String,
    "event_id": pl.String,
    "board_id": pl.String,
    "card_id": pl.String,
    "actor_id": pl.String,
    "action": pl.String,
    "entity_type": pl.String,
    "entity_id": pl.String,
    "occurred_at": pl.Datetime("us", "UTC"),
    "observed_at": pl.Datetime("us", "UTC"),
    "inferred": pl.Boolean,
    "column_from": pl.String,
    "column_to": pl.String,
    "before": pl.String,
    "after": pl.String,
    "payload": pl.String,
}
"""The columns of `events`, in order, but for the offset that the log gives."""

_JSON = ("before", "after", "payload")

SNAPSHOT_SCHEMA: dict[str, DataType | DataTypeClass] = {
    "source": pl.String,
    "board_id": pl.String,
    "entity_type": pl.String,
    "entity_id": pl.String,
    "taken_at": pl.Datetime("us", "UTC"),
    "fields": pl.String,
}


def event_rows(events: Sequence[Event]) -> pl.DataFrame:
    """One row an event in batch order; of events told twice in the batch, the first."""
    frame = pl.DataFrame([_column(name, [getattr(event, name) for event in events]) for name in EVENT_SCHEMA])
    return frame.unique(["source", "event_id"], keep="first", maintain_order=True)


def _column(name: str, values: list[Any]) -> pl.Series:
    if name in _JSON:
        return pl.Series(name, [_as_json(value) for value in values], pl.String)
    if name.endswith("_at"):  # five times as fast as polars takes instants one by one
        return cast("pl.Series", pl.from_arrow(pa.array(values, pa.timestamp("us", "UTC")))).alias(name)
    return pl.Series(name, values, EVENT_SCHEMA[name])


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
                _as_json(row.fields),
            )
            for row in rows.values()
        ],
        schema=SNAPSHOT_SCHEMA,
        orient="row",
    )


def events_of(frame: pl.DataFrame) -> list[Event]:
    """The rows of `events` as values again."""
    return [
        Event(**row | {name: json.loads(row[name]) if row[name] else {} for name in _JSON})
        for row in frame.iter_rows(named=True)
    ]


def _people_named(entities: Iterable[Entity]) -> set[str]:
    named: set[str] = set()
    for entity in entities:
        named.update(entity.fields.get("member_ids") or ())
        named.update(entity.fields[key] for key in ("member_id", "created_by") if entity.fields.get(key))
    return named


def _as_json(fields: Mapping[str, Any]) -> str:
    """The same fields always give the same text. What no file can hold (half a surrogate pair) becomes `?`."""
    if not fields:
        return "{}"
    try:
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # numbers beyond 64 bits, half a surrogate pair, nesting beyond what orjson takes
        return _as_json_slowly(fields)


def _as_json_slowly(fields: Mapping[str, Any]) -> str:
    text = json.dumps(dict(fields), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()
