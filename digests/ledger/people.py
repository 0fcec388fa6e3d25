"""What people.toml said of people, and the ids that members of boards were given when first met."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from digests.ledger import tables
from digests.ledger.rows import insert
from digests.ledger.transactions import reading, writing
from warehouse.home import Home


def save_people(home: Home, rows: Mapping[str, tuple[str, object]], now: datetime) -> None:
    """Write entries of people.toml (person_id to name and entry), all or none."""
    with writing(home) as con:
        for person_id, (name, entry) in rows.items():
            row = {"name": name, "entry": json.dumps(entry, ensure_ascii=False), "imported_at": now}
            statement = insert(con, tables.people).values(person_id=person_id, **row)
            con.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=row))


def saved_people(home: Home) -> dict[str, Any]:
    """The imported entries by person_id."""
    with reading(home) as con:
        rows = con.execute(select(tables.people).order_by(tables.people.c.person_id))
        return {row.person_id: json.loads(row.entry) for row in rows}


def saved_at(home: Home) -> dict[str, datetime]:
    """When each entry was last written, by person_id."""
    with reading(home) as con:
        rows = con.execute(select(tables.people.c.person_id, tables.people.c.imported_at))
        return {row.person_id: row.imported_at for row in rows}


def person_ids(home: Home) -> dict[str, str]:
    """The person_id each member was given when first met."""
    with reading(home) as con:
        rows = con.execute(select(tables.person_ids).order_by(tables.person_ids.c.member))
        return {row.member: row.person_id for row in rows}


def keep_person_ids(home: Home, given: Mapping[str, str]) -> None:
    """Keep the ids of members that have none yet; the first word stands."""
    if not given:
        return
    with writing(home) as con:
        rows = [{"member": member, "person_id": person_id} for member, person_id in given.items()]
        con.execute(insert(con, tables.person_ids).on_conflict_do_nothing(), rows)
