"""Calls that are wrong and inputs that are bad: a clear line or two, the right exit status, nothing half-written."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from running import daybreak

TRELLO = {
    "id": "5f0000000000000000000001",
    "name": "Garden",
    "actions": [],
    "lists": [],
    "cards": [],
    "members": [],
}


def refused(*arguments: str, home: Path, code: int, says: str, env: dict[str, str] | None = None) -> None:
    result = daybreak(*arguments, home=home, env=env)
    assert "Traceback" not in result.stdout + result.stderr
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("this is not json", "JSON"),
        ('{"id": "x", "name": "a board without its history"}', "actions"),
        ("[1, 2, 3]", "Trello"),
        ("", "JSON"),
    ],
)
def test_a_file_that_is_no_trello_export_is_named(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "board.json"
    file.write_text(content)
    refused("ingest", "trello", str(file), home=tmp_path / "home", code=1, says=says)
    refused("ingest", "trello", str(file), home=tmp_path / "home", code=1, says=str(file))
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()


def test_a_missing_file_is_a_wrong_call(tmp_path: Path) -> None:
    result = daybreak("ingest", "trello", str(tmp_path / "none.json"), home=tmp_path / "home")
    assert result.returncode == 2
    assert "none.json" in result.stderr


def test_an_unknown_person_is_a_wrong_call(tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_text(json.dumps(TRELLO))
    assert daybreak("ingest", "trello", str(file), home=tmp_path / "home").returncode == 0
    refused("catch-up", "nobody", home=tmp_path / "home", code=2, says="nobody")


def test_a_zone_that_does_not_exist_is_named(tmp_path: Path) -> None:
    file = tmp_path / "people.toml"
    file.write_text('[[people]]\nname = "Ada"\nemail = "ada@example.org"\nzone = "Europe/Berlinn"\n')
    refused("people", "import", str(file), home=tmp_path / "home", code=1, says="Europe/Berlinn")
    assert "Ada" not in daybreak("people", "list", home=tmp_path / "home").stdout


def test_a_choice_that_cannot_be_is_a_wrong_call_and_changes_nothing(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "people.toml"
    file.write_text('[[people]]\nname = "Ada"\nzone = "Europe/Berlin"\n')
    assert daybreak("people", "import", str(file), home=home).returncode == 0
    before = daybreak("digest", "next", "ada", "--now", "2026-03-10T09:00Z", home=home).stdout
    assert "Wed 11 Mar 2026 08:00 +01:00" in before

    refused("people", "set", "ada", "--country", "XX", "--cadence", "daily", home=home, code=2, says="'XX'")
    refused("people", "set", "ada", "--mute", "Garden", home=home, code=2, says="no board 'Garden'")
    refused("people", "set", "ada", home=home, code=2, says="nothing to set")

    assert daybreak("digest", "next", "ada", "--now", "2026-03-10T09:00Z", home=home).stdout == before


def test_an_instant_that_is_none_is_named(tmp_path: Path) -> None:
    refused("digest", "run", "--now", "tomorrow-ish", home=tmp_path, code=2, says="tomorrow-ish")
    refused("digest", "run", home=tmp_path, code=2, says="noon", env={"DAYBREAK_NOW": "noon"})


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused("up", "--port", port, home=tmp_path, code=1, says=f"port {port}")
        refused("board", "serve", "--port", port, home=tmp_path, code=1, says=f"127.0.0.1:{port}")


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused("people", "list", home=tmp_path / "file" / "home", code=2, says="--home")


@pytest.mark.skipif(os.geteuid() == 0, reason="the super-user may write everywhere")
def test_a_home_without_write_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    refused("people", "list", home=tmp_path, code=2, says="not writable")


def test_a_board_that_is_down_and_a_missing_key_are_named(tmp_path: Path) -> None:
    down = {"FLUX_BASE_URL": "http://127.0.0.1:9", "FLUX_API_KEY": "flux_x"}
    refused("ingest", "flux", home=tmp_path, code=1, says="http://127.0.0.1:9", env=down)
    refused("ingest", "flux", home=tmp_path, code=2, says="FLUX_API_KEY")
    refused("up", home=tmp_path, code=2, says="FLUX_API_KEY", env={"FLUX_BASE_URL": "http://127.0.0.1:9"})


def test_a_query_that_fails_says_why(tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_text(json.dumps(TRELLO))
    daybreak("ingest", "trello", str(file), home=tmp_path / "home")
    result = daybreak("sql", "select nothing from nowhere", home=tmp_path / "home")
    assert result.returncode == 1
    assert "nowhere" in result.stderr
    assert "Traceback" not in result.stderr


def test_before_anything_is_published_the_next_step_is_named(tmp_path: Path) -> None:
    refused("sql", "select 1", home=tmp_path, code=1, says="daybreak up")


def test_the_home_may_stand_anywhere_in_the_call(tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_text(json.dumps(TRELLO))
    result = daybreak(
        "ingest", "trello", str(file), "--home", str(tmp_path / "other"), home=tmp_path / "home"
    )
    assert result.returncode in (0, 2)
