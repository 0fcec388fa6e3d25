"""A real Kanboard at work, followed by Daybreak: prints one JSON line a comparison, fails if a fact was lost or doubled.

Run: `uv run python tests/peers/kanboard.py CHECKOUT [TASKS]` with a checkout of github.com/kanboard/kanboard (1.2); needs
PHP 8 with sqlite3, mbstring, gd, xml, curl and zip. Everything it starts listens on loopback and ends with it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from neighbours import Account, command, compare, compare_drift, following, running, settled, work
from running import free_port, until

TOKEN, HOOK_TOKEN, PASSWORD = "the token of all", "the-token-of-the-hook", "a password"
KINDS = frozenset(
    "card.created card.moved card.archived card.unarchived card.assigned card.unassigned card.updated comment.created "
    "comment.updated comment.deleted checklist.created checklist.checked checklist.deleted".split()
)


@contextmanager
def server(checkout: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Kanboard from a copy of the checkout (it writes beside its code); its address, and its database."""
    copy, port = folder / "kanboard", free_port()
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns(".git", "db.sqlite"))
    (copy / "config.php").write_text(
        f"<?php define('API_AUTHENTICATION_TOKEN', '{TOKEN}'); define('WEBHOOK_ALLOW_PRIVATE_NETWORKS', true);"
    )
    env = {"PHP_CLI_SERVER_WORKERS": "4"}
    address = f"127.0.0.1:{port}"
    with running(["php", "-S", address, "-t", "."], cwd=copy, env=env, log=folder / "kanboard.log"):
        until(lambda: _answers(f"http://{address}"), seconds=60, what="Kanboard")
        yield f"http://{address}", copy / "data" / "db.sqlite"


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthcheck.php", trust_env=False).is_success
    except httpx.HTTPError:
        return False


class Team:
    """People who work on a Kanboard project through its API, and write down what was done."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)
        self.project = self.ask("createProject", who="jsonrpc", name="Garden")
        self.people = []
        for name in ("ana", "ben"):
            self.people.append(
                self.ask("createUser", who="jsonrpc", username=name, password=PASSWORD, name=name.title())
            )
            self.ask(
                "addProjectUser",
                who="jsonrpc",
                project_id=self.project,
                user_id=self.people[-1],
                role="project-manager",
            )
        self.columns = [each["id"] for each in self.ask("getColumns", project_id=self.project)]
        self.swimlane = self.ask("getActiveSwimlanes", project_id=self.project)[0]["id"]
        self.account = Account()

    def ask(self, method: str, *, who: str = "ana", **params: Any) -> Any:
        key = TOKEN if who == "jsonrpc" else PASSWORD
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        told = self._client.post("/jsonrpc.php", json=call, auth=(who, key)).json()
        if told.get("error") or told.get("result") is False:
            raise SystemExit(f"{method} {params} answered {told}")
        return told["result"]

    def plant(self, title: str, who: str = "ana") -> int:
        """A new task."""
        task = int(self.ask("createTask", who=who, title=title, project_id=self.project))
        self.account.did("card.created", task)
        return task

    def tend(self, number: int) -> None:
        """One task's life, by dice of its own, at the hands of one of the two."""
        dice = random.Random(number)
        who, did = dice.choice(["ana", "ben"]), self.account.did
        task = self.plant(f"Bed {number}", who)
        column = self.columns[0]
        for _ in range(dice.randrange(4)):
            column = dice.choice([each for each in self.columns if each != column])
            place = {"project_id": self.project, "task_id": task, "column_id": column, "position": 1}
            self.ask("moveTaskPosition", who=who, swimlane_id=self.swimlane, **place)
            did("card.moved", task, column)
        self._own(task, dice, who)
        if dice.random() < 0.5:
            self.ask("updateTask", who=who, id=task, title=f"Bed {number}, dug", date_due="2027-03-01 12:00")
            did("card.updated", task)
        self._talk(task, dice, who)
        self._list(task, dice, who)
        if dice.random() < 0.3:
            self.ask("closeTask", who=who, task_id=task)
            did("card.archived", task)
            if dice.random() < 0.3:
                self.ask("openTask", who=who, task_id=task)
                did("card.unarchived", task)

    def _own(self, task: int, dice: random.Random, who: str) -> None:
        owner = 0
        for _ in range(dice.randrange(3)):
            given = dice.choice([each for each in (0, *self.people) if each != owner])
            self.ask("updateTask", who=who, id=task, owner_id=given)
            word = "assigned" if given else "unassigned"
            self.account.did(f"card.{word}", task, given or owner)
            owner = given

    def _talk(self, task: int, dice: random.Random, who: str) -> None:
        me = self.people[who == "ben"]
        for turn in range(dice.randrange(3)):
            comment = self.ask("createComment", who=who, task_id=task, user_id=me, content=f"Word {turn}")
            self.account.did("comment.created", comment)
            if dice.random() < 0.3:
                self.ask("updateComment", who=who, id=comment, content="Another word")
                self.account.did("comment.updated", comment)
            if dice.random() < 0.2:
                self.ask("removeComment", who=who, comment_id=comment)
                self.account.did("comment.deleted", comment)

    def _list(self, task: int, dice: random.Random, who: str) -> None:
        for _ in range(dice.randrange(2)):
            item = self.ask("createSubtask", who=who, task_id=task, title="Spade")
            self.account.did("checklist.created", item)
            if dice.random() < 0.6:
                self.ask("updateSubtask", who=who, id=item, task_id=task, status=2)
                self.account.did("checklist.checked", item)


def silently(team: Team) -> list[Callable[[], object]]:
    """Work of kinds that Kanboard's activity does not tell: tags, columns, what the application token does, deletions."""
    first, second, third = [team.plant(f"Quiet bed {number}") for number in range(3)]
    return [
        partial(team.ask, "setTaskTags", project_id=team.project, task_id=first, tags=["red"]),
        partial(team.ask, "updateColumn", column_id=team.columns[0], title="To sow"),
        partial(team.ask, "updateTask", who="jsonrpc", id=second, title="Another bed"),
        partial(team.ask, "removeTask", who="jsonrpc", task_id=third),
    ]


def ring(database: Path, port: int) -> None:
    """Have Kanboard call the receiver: its settings page writes these two rows."""
    with closing(sqlite3.connect(database, timeout=30)) as settings, settings:
        for option, value in (
            ("webhook_url", f"http://127.0.0.1:{port}/hooks/kanboard"),
            ("webhook_token", HOOK_TOKEN),
        ):
            settings.execute("delete from settings where option = ?", (option,))
            settings.execute("insert into settings (option, value) values (?, ?)", (option, value))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("checkout", type=Path)
    asked.add_argument("tasks", nargs="?", type=int, default=150)
    options = asked.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, database = stack.enter_context(server(options.checkout.resolve(), folder))
        team, port = Team(url), free_port()
        ring(database, port)
        sys.exit(0 if prove(team, url, folder, port, options.tasks) else 1)


def prove(team: Team, url: str, folder: Path, port: int, count: int) -> bool:
    """Work while Daybreak follows by rings; read the newest 50 entries from nothing; hold the log against the project."""
    followed, afresh = folder / "followed", folder / "afresh"
    settings = {"KANBOARD_BASE_URL": url, "KANBOARD_TOKEN": TOKEN, "KANBOARD_HOOK_TOKEN": HOOK_TOKEN}
    with following("kanboard", followed, settings, port):
        jobs = [partial(team.tend, number) for number in range(count)]
        figures = {"worked_s": work(jobs, hands=1), "last_told_after_s": settled(followed, team.account)}
        figures["rings"] = (folder / "hooks.log").read_text().count("rings=1")
    good = [compare("kanboard: followed by webhooks", followed, team.account, KINDS, **figures)]
    print(command("ingest", "kanboard", home=afresh, env=settings).strip(), file=sys.stderr)
    command(
        "ingest", "reconcile", home=followed, env=settings
    )  # closing a task ticks its subtasks off without a word
    good.append(compare_drift("kanboard", followed, settings, silently(team)))
    good.append(compare("kanboard: after that", followed, team.account, KINDS))
    return all(good)


if __name__ == "__main__":
    main()
