"""What a Flux promises, as a table: behaviour, where that is known from (marks of the design: D, M, C, ours), check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from board import auth
from board.tables import members, workspace_members
from tests.board.conftest import Running

Begun = dict[str, Any]
Check = Callable[[Running, Begun], None]
CONTRACT: list[tuple[str, str, Check]] = []


def promise(behaviour: str, source: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        CONTRACT.append((behaviour, source, check))
        return check

    return keep


def patch_card(flux: Running, begun: Begun, status: int = 200, **said: Any) -> Any:
    return flux.ask("PATCH", "/api/cards", status, json={"cardId": begun["card"]["id"], **said})


def detail(flux: Running, begun: Begun) -> Any:
    return flux.ask("GET", f"/api/boards/{begun['board']['id']}")


@promise("health answers without a key", "ours")
def _(flux: Running, begun: Begun) -> None:
    assert httpx.get(f"{flux.url}/api/health").json() == {"status": "ok"}


@promise("no key, a wrong key or another scheme is 401 with a JSON body", "D")
def _(flux: Running, begun: Begun) -> None:
    for header in (None, "Bearer flux_wrong", f"Basic {flux.key}", "Bearer x"):
        answer = httpx.get(f"{flux.url}/api/boards", headers={"Authorization": header} if header else {})
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


@promise("a read key may read; a write is 403 with the one published body", "D")
def _(flux: Running, begun: Begun) -> None:
    owner = begun["board"]["createdBy"]
    key = auth.add_key(flux.store, owner, begun["board"]["workspaceId"], "read")
    reader = httpx.Client(base_url=flux.url, headers={"Authorization": f"Bearer {key}"})
    with reader:
        assert reader.get("/api/boards").status_code == 200
        answer = reader.post("/api/boards", json={"title": "No"})
    assert answer.status_code == 403
    assert answer.json() == {"error": "write scope required", "code": "FORBIDDEN"}


@promise("a board answers to its UUID and to its eight-character short id", "D")
def _(flux: Running, begun: Begun) -> None:
    by_short = flux.ask("GET", f"/api/boards/{begun['board']['shortId']}")
    assert by_short["board"]["id"] == begun["board"]["id"]
    assert len(begun["board"]["shortId"]) == 8


@promise("a board's detail holds columns in order, cards by id, labels and members", "D")
def _(flux: Running, begun: Begun) -> None:
    seen = detail(flux, begun)
    assert set(seen) == {"board", "cards", "boardLabels", "members"}
    assert [column["title"] for column in seen["board"]["columns"]] == ["To do", "Done"]
    assert seen["cards"][begun["card"]["id"]]["assigneeIds"] == []
    assert [member["id"] for member in seen["members"]] == [begun["board"]["createdBy"]]


@promise("lists hold boards with their columns; `all` goes beyond the active workspace", "D")
def _(flux: Running, begun: Begun) -> None:
    other = flux.ask("POST", "/api/workspaces", 201, json={"name": "Other place"})["workspace"]
    flux.ask("POST", "/api/boards", 201, json={"title": "Elsewhere", "workspaceId": other["id"]})
    here, everywhere = flux.ask("GET", "/api/boards"), flux.ask("GET", "/api/boards/all")
    assert [board["title"] for board in here["boards"]] == ["Tea Bar"]
    assert [board["title"] for board in everywhere["boards"]] == ["Tea Bar", "Elsewhere"]
    flux.ask("POST", "/api/workspaces/switch", json={"workspaceId": other["id"]})
    assert [board["title"] for board in flux.ask("GET", "/api/boards")["boards"]] == ["Elsewhere"]
    assert len(flux.ask("GET", "/api/workspaces")["workspaces"]) == 2


@promise("a card has a human id from the board's initials", "D")
def _(flux: Running, begun: Begun) -> None:
    assert begun["card"]["humanId"] == "TB-1"


@promise("`assignees` replaces the set", "D")
def _(flux: Running, begun: Begun) -> None:
    owner = begun["board"]["createdBy"]
    assert patch_card(flux, begun, assignees=[owner])["card"]["assigneeIds"] == [owner]
    assert patch_card(flux, begun, assignees=[])["card"]["assigneeIds"] == []


@promise('`assigneeIds` alone is 422 "No updates provided"; beside another field it is ignored', "D")
def _(flux: Running, begun: Begun) -> None:
    owner = begun["board"]["createdBy"]
    assert patch_card(flux, begun, 422, assigneeIds=[owner])["error"] == "No updates provided"
    assert patch_card(flux, begun, title="Tea", assigneeIds=[owner])["card"]["assigneeIds"] == []


@promise("an unknown assignee is 422 and changes nothing", "ours")
def _(flux: Running, begun: Begun) -> None:
    before = flux.entries(begun["board"]["id"])
    assert "assignees" in patch_card(flux, begun, 422, title="Tea", assignees=["nobody"])["error"]
    assert flux.entries(begun["board"]["id"]) == before


@promise("one PATCH of many fields logs each kind of change, in one commit", "M")
def _(flux: Running, begun: Begun) -> None:
    patch_card(
        flux,
        begun,
        title="Tea",
        columnId=begun["done"]["id"],
        assignees=[begun["board"]["createdBy"]],
        archivedAt="2026-01-01T00:00:00Z",
    )
    actions = [entry["action"] for entry in flux.entries(begun["board"]["id"])]
    assert actions[-4:] == ["card.moved", "card.assigned", "card.archived", "card.updated"]


@promise("due dates are ISO 8601 in UTC; what is not a date is 422", "D")
def _(flux: Running, begun: Begun) -> None:
    assert patch_card(flux, begun, dueDate="2026-05-01T10:00:00+02:00")["card"]["dueDate"] == (
        "2026-05-01T08:00:00.000Z"
    )
    assert patch_card(flux, begun, 422, dueDate="tomorrow")["code"] == "VALIDATION_ERROR"
    assert patch_card(flux, begun, dueDate=None)["card"]["dueDate"] is None


@promise("`archivedAt` archives and null takes it back", "D")
def _(flux: Running, begun: Begun) -> None:
    assert patch_card(flux, begun, archivedAt="2026-01-01T00:00:00Z")["card"]["archivedAt"]
    assert patch_card(flux, begun, archivedAt=None)["card"]["archivedAt"] is None
    actions = [entry["action"] for entry in flux.entries(begun["board"]["id"])]
    assert actions[-2:] == ["card.archived", "card.unarchived"]


@promise("`expectedVersion` that does not match is 409 on boards, columns and cards", "D")
def _(flux: Running, begun: Begun) -> None:
    stale = {"expectedVersion": 7, "title": "No"}
    assert patch_card(flux, begun, 409, **stale)["code"] == "VERSION_CONFLICT"
    flux.ask("PATCH", "/api/columns", 409, json={"columnId": begun["todo"]["id"], **stale})
    flux.ask("PATCH", f"/api/boards/{begun['board']['id']}", 409, json=stale)
    assert patch_card(flux, begun, title="Yes", expectedVersion=1)["card"]["version"] == 2


@promise("a deleted thing is 404 and not served", "D")
def _(flux: Running, begun: Begun) -> None:
    card = begun["card"]["id"]
    assert flux.ask("DELETE", f"/api/cards?cardId={card}")["card"]["deletedAt"]
    flux.ask("GET", f"/api/cards/{card}", 404)
    patch_card(flux, begun, 404, title="No")
    flux.ask("DELETE", f"/api/cards?cardId={card}", 404)
    assert detail(flux, begun)["cards"] == {}
    flux.ask("DELETE", f"/api/boards/{begun['board']['id']}")
    assert flux.ask("GET", f"/api/boards/{begun['board']['id']}", 404)["code"] == "NOT_FOUND"


@promise("deleting a column deletes its cards", "ours")
def _(flux: Running, begun: Begun) -> None:
    flux.ask("DELETE", f"/api/columns?columnId={begun['todo']['id']}")
    assert detail(flux, begun)["cards"] == {}
    actions = [entry["action"] for entry in flux.entries(begun["board"]["id"])]
    assert actions[-2:] == ["card.deleted", "column.deleted"]


@promise("reorder puts cards at a position, 0 is the top; a body may hold many moves", "D")
def _(flux: Running, begun: Begun) -> None:
    place = {"boardId": begun["board"]["id"], "columnId": begun["todo"]["id"]}
    second, third = (
        flux.ask("POST", "/api/cards", 201, json={**place, "title": title})["card"]["id"] for title in "BC"
    )
    moves = [
        {"cardId": third, "columnId": begun["todo"]["id"], "position": 0},
        {"cardId": begun["card"]["id"], "columnId": begun["done"]["id"], "position": 0},
    ]
    flux.ask("PUT", "/api/cards/reorder", json={"boardId": begun["board"]["id"], "moves": moves})
    cards = sorted(detail(flux, begun)["cards"].values(), key=lambda card: card["position"])
    in_todo = [card["id"] for card in cards if card["columnId"] == begun["todo"]["id"]]
    assert in_todo == [third, second]
    actions = [entry["action"] for entry in flux.entries(begun["board"]["id"])]
    assert actions[-2:] == ["card.reordered", "card.moved"]


@promise("a card goes to a column of its own board only", "ours")
def _(flux: Running, begun: Begun) -> None:
    other = flux.ask("POST", "/api/boards", 201, json={"title": "Other"})["board"]
    column = flux.ask("POST", "/api/columns", 201, json={"boardId": other["id"], "title": "X"})["column"]
    assert "columnId" in patch_card(flux, begun, 422, columnId=column["id"])["error"]


@promise("columns are renamed, marked done and put in order", "D")
def _(flux: Running, begun: Begun) -> None:
    ids = [begun["done"]["id"], begun["todo"]["id"]]
    flux.ask("PATCH", "/api/columns", json={"columnId": ids[0], "title": "Served", "isDone": True})
    flux.ask("PUT", "/api/columns/reorder", json={"boardId": begun["board"]["id"], "columnIds": ids})
    columns = detail(flux, begun)["board"]["columns"]
    assert [(column["title"], column["isDone"]) for column in columns] == [("Served", True), ("To do", False)]
    half = {"boardId": begun["board"]["id"], "columnIds": ids[:1]}
    flux.ask("PUT", "/api/columns/reorder", 422, json=half)


@promise("comments are threads by `parentId`; they are edited and deleted", "D")
def _(flux: Running, begun: Begun) -> None:
    path = f"/api/cards/{begun['card']['id']}/comments"
    first = flux.ask("POST", path, 201, json={"content": "Hot?"})["comment"]
    reply = flux.ask("POST", path, 201, json={"content": "Very", "parentId": first["id"]})["comment"]
    assert reply["parentId"] == first["id"]
    flux.ask("POST", path, 422, json={"content": "?", "parentId": "nothing"})
    flux.ask("PATCH", path, json={"commentId": reply["id"], "content": "Very hot"})
    flux.ask("DELETE", f"{path}?commentId={first['id']}")
    shown = flux.ask("GET", f"/api/cards/{begun['card']['id']}")["comments"]
    assert [comment["content"] for comment in shown] == ["Very hot"]


@promise("checklist items keep their order, are ticked, changed and deleted", "D")
def _(flux: Running, begun: Begun) -> None:
    path = f"/api/cards/{begun['card']['id']}/checklist"
    one, two = (flux.ask("POST", path, 201, json={"text": text})["item"]["id"] for text in ("Kettle", "Cup"))
    flux.ask("PATCH", path, json={"itemId": one, "done": True})
    flux.ask("PATCH", path, json={"itemId": two, "text": "Cups"})
    flux.ask("PATCH", path, json={"itemId": one, "done": False})
    actions = [entry["action"] for entry in flux.entries(begun["board"]["id"])]
    assert actions[-3:] == ["checklist.checked", "checklist.updated", "checklist.unchecked"]
    shown = flux.ask("GET", f"/api/cards/{begun['card']['id']}")["checklist"]
    assert [(item["text"], item["done"]) for item in shown] == [("Kettle", False), ("Cups", False)]
    flux.ask("DELETE", f"{path}?itemId={two}")
    assert len(flux.ask("GET", f"/api/cards/{begun['card']['id']}")["checklist"]) == 1


@promise("labels belong to a board and are put on its cards; deleting one takes it off them", "D")
def _(flux: Running, begun: Begun) -> None:
    path, card_path = f"/api/boards/{begun['board']['id']}/labels", f"/api/cards/{begun['card']['id']}/labels"
    label = flux.ask("POST", path, 201, json={"text": "hot", "color": "#d9480f"})["label"]["id"]
    flux.ask("POST", path, 422, json={"text": "hot", "color": "red"})
    assert flux.ask("POST", card_path, json={"labelId": label})["card"]["labelIds"] == [label]
    flux.ask("PATCH", path, json={"labelId": label, "text": "very hot"})
    assert detail(flux, begun)["boardLabels"][0]["text"] == "very hot"
    flux.ask("DELETE", f"{path}?labelId={label}")
    assert detail(flux, begun)["cards"][begun["card"]["id"]]["labelIds"] == []


@promise("a write with an idempotency key is done once, and a retry gets the first answer", "D")
def _(flux: Running, begun: Begun) -> None:
    about = {"boardId": begun["board"]["id"], "columnId": begun["todo"]["id"], "title": "Once"}
    once = {"X-Idempotency-Key": "9b1f"}
    first = flux.ask("POST", "/api/cards", 201, json=about, headers=once)
    assert flux.ask("POST", "/api/cards", 201, json=about, headers=once) == first
    assert len(detail(flux, begun)["cards"]) == 2
    flux.ask("POST", "/api/cards", 422, json={**about, "title": "Twice"}, headers=once)
    for _ in range(2):
        flux.ask("POST", "/api/cards", 201, json=about, headers={"X-Idempotency-Key": ""})
    assert len(detail(flux, begun)["cards"]) == 4


@promise("what is not JSON, or not an object, or lacks a field is 422 and names it", "D")
def _(flux: Running, begun: Begun) -> None:
    for body in (b"{", b"[]", b"\xff", b"null", b'"x"', b'{"title": NaN}', b"[" * 9999):
        assert flux.ask("POST", "/api/cards", 422, content=body)["code"] == "VALIDATION_ERROR"
    assert "title" in flux.ask("POST", "/api/boards", 422, json={"title": "  "})["error"]
    assert "boardId" in flux.ask("POST", "/api/cards", 422, json={})["error"]
    assert "cardId" in flux.ask("DELETE", "/api/cards", 422)["error"]
    assert "title" in patch_card(flux, begun, 422, title=["x"])["error"]
    half = b'{"title": "half a character: \\ud83d"}'
    assert "title" in flux.ask("POST", "/api/boards", 422, content=half)["error"]


@promise("an unknown path is 404 and a wrong method 405, both as JSON", "D")
def _(flux: Running, begun: Begun) -> None:
    assert flux.ask("GET", "/api/nothing", 404)["code"] == "NOT_FOUND"
    assert flux.ask("PUT", "/api/boards", 405)["code"] == "METHOD_NOT_ALLOWED"


@promise("activity pages upwards from `after` and downwards from `before`, and is filtered", "ours")
def _(flux: Running, begun: Begun) -> None:
    path = f"/api/boards/{begun['board']['id']}/activity"
    page = flux.ask("GET", f"{path}?limit=3")
    assert ([entry["seq"] for entry in page["activity"]], page["next"]) == ([1, 2, 3], 3)
    rest = flux.ask("GET", f"{path}?after=3&limit=3")
    assert ([entry["seq"] for entry in rest["activity"]], rest["next"]) == ([4, 5], None)
    down = flux.ask("GET", f"{path}?before=5&limit=2")
    assert ([entry["seq"] for entry in down["activity"]], down["next"]) == ([4, 3], 3)
    created = flux.ask("GET", f"{path}?action=column.created")["activity"]
    assert [entry["after"]["title"] for entry in created] == ["To do", "Done"]
    assert flux.ask("GET", f"{path}?userId=nobody")["activity"] == []
    flux.ask("GET", f"{path}?after=-1", 422)


@promise("a log entry says who, what and when, with the entity whole before and after", "M, shape ours")
def _(flux: Running, begun: Begun) -> None:
    patch_card(flux, begun, title="Tea")
    entry = flux.entries(begun["board"]["id"])[-1]
    assert entry["before"] == begun["card"]
    changed = {name for name, value in entry["after"].items() if entry["before"][name] != value}
    assert changed <= {"title", "updatedAt", "version"}
    assert (entry["action"], entry["entityType"], entry["entityId"]) == (
        "card.updated",
        "card",
        begun["card"]["id"],
    )
    assert entry["actor"] == {"id": begun["board"]["createdBy"], "name": "Board owner", "kind": "human"}
    assert entry["cardId"] == begun["card"]["id"]


@promise("a change that changes nothing is answered and not logged", "ours")
def _(flux: Running, begun: Begun) -> None:
    before = flux.entries(begun["board"]["id"])
    assert patch_card(flux, begun, title="Boil water", columnId=begun["todo"]["id"])["card"] == begun["card"]
    assert flux.entries(begun["board"]["id"]) == before


def colleague(flux: Running, begun: Begun) -> str:
    """Somebody else in the workspace."""
    member = {"id": "mira", "name": "Mira", "username": "mira", "kind": "human", "created_at": "2026-01-01"}
    with flux.store.writing() as connection:
        connection.execute(insert(members), member)
        place = {"workspace_id": begun["board"]["workspaceId"], "member_id": "mira"}
        connection.execute(insert(workspace_members), place)
    return "mira"


@promise("who is put on a card becomes a member of its board, and the log says so", "ours")
def _(flux: Running, begun: Begun) -> None:
    mira = colleague(flux, begun)
    patch_card(flux, begun, assignees=[mira])
    actions = [(entry["action"], entry["entityType"]) for entry in flux.entries(begun["board"]["id"])]
    assert actions[-2:] == [("member.joined", "member"), ("card.assigned", "card")]
    assert "Mira" in [member["name"] for member in detail(flux, begun)["members"]]


@promise("an owner's key acts as a member it names; others may not, and strangers are refused", "ours")
def _(flux: Running, begun: Begun) -> None:
    owner = begun["board"]["createdBy"]
    as_mira = {"X-Flux-Act-As": colleague(flux, begun)}
    flux.ask("PATCH", "/api/cards", json={"cardId": begun["card"]["id"], "title": "A"}, headers=as_mira)
    assert flux.entries(begun["board"]["id"])[-1]["actor"] == {"id": "mira", "name": "Mira", "kind": "human"}
    as_stranger = {"X-Flux-Act-As": "stranger"}
    flux.ask(
        "PATCH", "/api/cards", 422, json={"cardId": begun["card"]["id"], "title": "B"}, headers=as_stranger
    )
    key = auth.add_key(flux.store, owner, begun["board"]["workspaceId"], "write")
    headers = {"Authorization": f"Bearer {key}"}
    flux.ask("POST", "/api/boards", 201, json={"title": "Mine"}, headers=headers)
    flux.ask("POST", "/api/boards", 403, json={"title": "Mine"}, headers=headers | as_stranger)


@pytest.mark.parametrize(
    "check", [pytest.param(check, id=f"{behaviour} [{source}]") for behaviour, source, check in CONTRACT]
)
def test_the_board_keeps_its_promise(flux: Running, begun: Begun, check: Check) -> None:
    check(flux, begun)
