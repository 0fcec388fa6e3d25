"""A real PLANKA 2 at work, followed by Daybreak: prints one JSON line a comparison, fails if a fact was lost or doubled.

Run: `uv run python tests/peers/planka.py CHECKOUT [CARDS]` with a checkout of github.com/plankanban/planka (2.1);
needs Node 20 with npm and PostgreSQL. Everything it starts listens on loopback and ends with it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from neighbours import (
    Account,
    command,
    compare,
    compare_drift,
    following,
    run,
    running,
    settled,
    work,
)
from postgres import serving
from running import free_port, until

PASSWORD, HOOK_TOKEN = "a password of thirty letters!!", "the token of the hook"
KINDS = frozenset(
    "card.created card.moved card.archived card.unarchived card.deleted card.restored card.assigned card.unassigned card.labeled "
    "comment.created checklist.created checklist.checked checklist.unchecked label.created column.created".split()
)


@contextmanager
def server(checkout: Path, folder: Path, database: str) -> Iterator[str]:
    """PLANKA from a checkout, with an administrator; its address."""
    app = checkout / "server"
    if not (app / "node_modules").is_dir():
        run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund"], cwd=app)
    port = free_port()
    env = {
        "BASE_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": database,
        "SECRET_KEY": "of a server that lives a minute",
        "DEFAULT_ADMIN_EMAIL": "ada@example.org",
        "DEFAULT_ADMIN_PASSWORD": PASSWORD,
        "DEFAULT_ADMIN_NAME": "Ada",
        "DEFAULT_ADMIN_USERNAME": "ada",
        "NODE_ENV": "production",
        "sails_explicitHost": "127.0.0.1",
    }
    run(["node", "db/init.js"], cwd=app, env=env)
    with running(["node", "app.js", "--prod", f"--port={port}"], cwd=app, env=env, log=folder / "planka.log"):
        until(lambda: _answers(env["BASE_URL"]), seconds=90, what="PLANKA")
        yield env["BASE_URL"]


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/config", trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


class Team:
    """Somebody who works on a PLANKA board through its API, and writes down what was done."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)
        self._log_in()
        self.me = self.ask("GET", "/api/users/me")["item"]["id"]
        self.key = self.ask("POST", f"/api/users/{self.me}/api-key")["included"]["apiKey"]
        project = self.ask("POST", "/api/projects", name="Allotment", type="private")["item"]["id"]
        self.board = self.ask("POST", f"/api/projects/{project}/boards", name="Garden", position=1)["item"][
            "id"
        ]
        self.account = Account()

    def ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = self._client.request(method, path, json=body or None)
        if not answer.is_success:
            raise SystemExit(f"{method} {path} answered {answer.status_code}: {answer.text}")
        told: dict[str, Any] = answer.json()
        return told

    def _log_in(self) -> None:
        login = {"emailOrUsername": "ada", "password": PASSWORD}
        pending = self._client.post("/api/access-tokens", json=login).json()["pendingToken"]
        terms = self.ask("GET", "/api/terms")["item"]["signature"]
        token = self.ask("POST", "/api/access-tokens/accept-terms", pendingToken=pending, signature=terms)[
            "item"
        ]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def ring(self, port: int) -> None:
        """Have PLANKA call the receiver."""
        hook = {"name": "Daybreak", "url": f"http://127.0.0.1:{port}/hooks/planka", "accessToken": HOOK_TOKEN}
        self.ask("POST", "/api/webhooks", **hook)

    def furnish(self) -> None:
        """The board's columns and labels."""
        self.columns = []
        for place, (name, kind) in enumerate(
            [("To plant", "active"), ("Growing", "active"), ("Eaten", "closed")], 1
        ):
            made = self.ask("POST", f"/api/boards/{self.board}/lists", name=name, type=kind, position=place)[
                "item"
            ]
            self.columns.append(made["id"])
            self.account.did("column.created", made["id"])
        self.label = self.ask(
            "POST", f"/api/boards/{self.board}/labels", name="red", color="berry-red", position=1
        )["item"]["id"]
        self.account.did("label.created", self.label)
        lists = self.ask("GET", f"/api/boards/{self.board}")["included"]["lists"]
        self.aside = {each["type"]: each["id"] for each in lists if each["type"] in ("archive", "trash")}

    def plant(self, name: str) -> str:
        """A new card."""
        path = f"/api/lists/{self.columns[0]}/cards"
        card = str(self.ask("POST", path, name=name, type="project", position=1)["item"]["id"])
        self.account.did("card.created", card)
        return card

    def tend(self, number: int) -> None:
        """One card's life, by dice of its own."""
        dice = random.Random(number)
        card = self.plant(f"Bed {number}")
        column = self.columns[0]
        for _ in range(dice.randrange(4)):
            column = dice.choice([each for each in self.columns if each != column])
            self._move(card, column, "card.moved", column)
        self._adorn(card, dice)
        for turn in range(dice.randrange(3)):
            comment = self.ask("POST", f"/api/cards/{card}/comments", text=f"Word {turn}")["item"]["id"]
            self.account.did("comment.created", comment)
        self._checklist(card, dice)
        self._put_away(card, dice.random())

    def _adorn(self, card: str, dice: random.Random) -> None:
        if dice.random() < 0.5:
            self.ask("POST", f"/api/cards/{card}/card-memberships", userId=self.me)
            self.account.did("card.assigned", card, self.me)
            if dice.random() < 0.5:
                self.ask("DELETE", f"/api/cards/{card}/card-memberships/userId:{self.me}")
                self.account.did("card.unassigned", card, self.me)
        if dice.random() < 0.3:
            self.ask("POST", f"/api/cards/{card}/card-labels", labelId=self.label)
            self.account.did("card.labeled", card, "red")

    def _put_away(self, card: str, dice: float) -> None:
        """Into the archive or the trash, and some out of it again."""
        if dice < 0.3:
            self._move(card, self.aside["archive"], "card.archived")
            if dice < 0.1:
                self._move(card, self.columns[0], "card.unarchived")
        elif dice < 0.4:
            self._move(card, self.aside["trash"], "card.deleted")
            if dice < 0.35:
                self._move(card, self.columns[1], "card.restored")

    def _move(self, card: str, reached: str, word: str, part: str = "") -> None:
        place = {"position": 1} if reached in self.columns else {}
        self.ask("PATCH", f"/api/cards/{card}", listId=reached, **place)
        self.account.did(word, card, part)

    def _checklist(self, card: str, dice: random.Random) -> None:
        if dice.random() < 0.6:
            return
        checklist = self.ask("POST", f"/api/cards/{card}/task-lists", name="Tools", position=1)["item"]["id"]
        task = self.ask("POST", f"/api/task-lists/{checklist}/tasks", name="Spade", position=1)["item"]["id"]
        self.account.did("checklist.created", task)
        for done in [True, False][: dice.randrange(3)]:
            self.ask("PATCH", f"/api/tasks/{task}", isCompleted=done)
            self.account.did("checklist.checked" if done else "checklist.unchecked", task)


def silently(team: Team) -> list[Callable[[], object]]:
    """Work of kinds that PLANKA's log does not tell, on cards that are there: renames, a date, a text, a deletion for good."""
    ask, beds = team.ask, [team.plant(f"Quiet bed {number}") for number in range(4)]
    return [
        partial(ask, "PATCH", f"/api/cards/{beds[0]}", name="Another bed"),
        partial(ask, "PATCH", f"/api/cards/{beds[1]}", dueDate="2027-03-01T12:00:00.000Z"),
        partial(ask, "PATCH", f"/api/cards/{beds[2]}", description="Potatoes"),
        partial(ask, "DELETE", f"/api/cards/{beds[3]}"),
        partial(ask, "PATCH", f"/api/lists/{team.columns[0]}", name="To sow"),
    ]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("checkout", type=Path)
    asked.add_argument("cards", nargs="?", type=int, default=150)
    options = asked.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)  # the database's user passes through
        database = stack.enter_context(serving(folder / "database", free_port()))
        url = stack.enter_context(server(options.checkout.resolve(), folder, database))
        sys.exit(0 if prove(Team(url), url, folder, options.cards) else 1)


def prove(team: Team, url: str, folder: Path, count: int) -> bool:
    """Work while Daybreak follows by rings; read all again from nothing; hold the log against the board."""
    port, followed, afresh = free_port(), folder / "followed", folder / "afresh"
    settings = {"PLANKA_BASE_URL": url, "PLANKA_TOKEN": team.key, "PLANKA_HOOK_TOKEN": HOOK_TOKEN}
    team.ring(port)
    with following("planka", followed, settings, port):
        team.furnish()
        jobs = [partial(team.tend, number) for number in range(count)]
        figures = {"worked_s": work(jobs, hands=6), "last_told_after_s": settled(followed, team.account)}
        figures["rings"] = (folder / "hooks.log").read_text().count("rings=1")
    good = [compare("planka: followed by webhooks", followed, team.account, KINDS, **figures)]
    command("ingest", "planka", home=afresh, env=settings)
    good.append(compare("planka: read at once", afresh, team.account, KINDS))
    command(
        "ingest", "reconcile", home=followed, env=settings
    )  # what was on cards in the trash went along unsaid
    good.append(compare_drift("planka", followed, settings, silently(team)))
    good.append(compare("planka: after that", followed, team.account, KINDS))
    return all(good)


if __name__ == "__main__":
    main()
