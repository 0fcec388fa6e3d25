"""Who may talk to the board: the key file of the embedded board, and the check of a request's key."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from board.model import Actor, Forbidden, Invalid, Unauthorized, stamp
from board.store import Store, new_id
from board.tables import keys, members, workspace_members, workspaces

ACT_AS = "X-Flux-Act-As"
"""Ours: with an owner's key, the id of the member of the workspace in whose name a request acts."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key opens: whose it is, its scope (`read` or `write`), and its active workspace."""

    id: str
    member_id: str
    workspace_id: str
    scope: str
    is_owner: bool


def read_or_make_key(path: Path) -> str:
    """The embedded board's key; on the first run a new one, readable by its owner only."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        text = f"flux_{secrets.token_urlsafe(32)}"
        file.write(text + "\n")
    return text


def settle(store: Store, key_text: str, now: datetime) -> Key:
    """Make this the owner's key; on the first run also make the owner and the first workspace."""
    with store.writing() as connection:
        row = connection.execute(select(keys).where(keys.c.id == "embedded")).mappings().first()
        if row is None:
            member_id, workspace_id = _first_owner(connection, now)
        else:
            member_id, workspace_id = row["member_id"], row["workspace_id"]
            connection.execute(delete(keys).where(keys.c.id == "embedded"))
        key = Key("embedded", member_id, workspace_id, "write", is_owner=True)
        _keep(connection, key, key_text)
    return key


def _first_owner(connection: Connection, now: datetime) -> tuple[str, str]:
    owner = {"id": new_id(), "name": "Board owner", "username": "owner", "email": None, "kind": "human"}
    workspace = {"id": new_id(), "name": "My team", "slug": "my-team"}
    connection.execute(insert(members), owner | {"created_at": stamp(now)})
    connection.execute(insert(workspaces), workspace | {"created_at": stamp(now)})
    connection.execute(insert(workspace_members), {"workspace_id": workspace["id"], "member_id": owner["id"]})
    return str(owner["id"]), workspace["id"]


def add_key(store: Store, member_id: str, workspace_id: str, scope: str) -> str:
    """A new key for a member; the text is told once and kept only as a hash."""
    text = f"flux_{secrets.token_urlsafe(32)}"
    with store.writing() as connection:
        _keep(connection, Key(new_id(), member_id, workspace_id, scope, is_owner=False), text)
    return text


def _keep(connection: Connection, key: Key, text: str) -> None:
    connection.execute(
        insert(keys),
        {
            "id": key.id,
            "key_hash": _digest(text),
            "member_id": key.member_id,
            "workspace_id": key.workspace_id,
            "scope": key.scope,
            "is_owner": key.is_owner,
        },
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()  # keys are 256 random bits: a slow hash adds nothing


def check(connection: Connection, headers: Mapping[str, str]) -> Key:
    """The key a request carries; compared with every known one in constant time."""
    scheme, _, text = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthorized("send Authorization: Bearer flux_…")
    given, found = _digest(text.strip()), None
    for row in connection.execute(select(keys)).mappings():
        if compare_digest(row["key_hash"], given):
            found = row
    if found is None:
        raise Unauthorized("this key is not known here")
    return Key(
        found["id"], found["member_id"], found["workspace_id"], found["scope"], is_owner=found["is_owner"]
    )


def actor(connection: Connection, key: Key, headers: Mapping[str, str]) -> Actor:
    """Who acts in a request that writes: the key's member, or whom an owner's key names in `X-Flux-Act-As`."""
    if key.scope != "write":
        raise Forbidden("write scope required")
    member_id = headers.get(ACT_AS, key.member_id)
    if member_id != key.member_id and not key.is_owner:
        raise Forbidden(f"{ACT_AS} needs an owner's key")
    query = (
        select(members)
        .join(workspace_members, workspace_members.c.member_id == members.c.id)
        .where(members.c.id == member_id, workspace_members.c.workspace_id == key.workspace_id)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise Invalid(f"{ACT_AS}: no member {member_id} in the key's workspace")
    return Actor(row["id"], row["name"], row["kind"])
