"""The layout is a promise to whoever opens the repository: names, sizes and directions."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ["board", "commands", "digests", "ingest", "pages", "warehouse"]
TOP_LEVEL = {
    *ROOMS, "tests", ".ci", ".streamlit", "app.py", "cli.py", "up.py",
    "pyproject.toml", "README.md", "CHANGELOG.md", "DECISIONS.md", "LICENSE", ".gitignore",
}  # fmt: skip
LONGEST_MODULE = 300
LONGEST_FUNCTION = 45


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [Path(line) for line in listing.stdout.splitlines() if (ROOT / line).exists()]


def modules() -> Iterator[Path]:
    yield from (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    yield from (ROOT / name for name in ("app.py", "cli.py", "up.py"))


def test_only_known_names_stand_at_the_top() -> None:
    assert {path.parts[0] for path in tracked()} <= TOP_LEVEL


def test_every_module_opens_with_one_sentence() -> None:
    silent = [str(path) for path in modules() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_no_module_outgrows_a_readers_patience() -> None:
    long = {
        str(path.relative_to(ROOT)): n
        for path in modules()
        if (n := len(path.read_text().splitlines())) > LONGEST_MODULE
    }
    assert long == {}


def test_no_function_outgrows_a_screen() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == {}


def test_public_functions_say_what_they_do() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in modules()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_imports_go_one_way_only() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint_imports], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "may_not_know"),
    [
        ("app.py", {"board", "cli", "commands", "ingest", "up", "duckdb", "httpx", "sqlalchemy"}),
        ("up.py", {*ROOMS, "app", "cli"}),
        (
            "cli.py",
            {"app", "board", "ingest", "pages", "duckdb", "httpx", "sqlalchemy", "streamlit"},
        ),
    ],
)
def test_the_doors_know_only_what_they_open(module: str, may_not_know: set[str]) -> None:
    tree = ast.walk(ast.parse((ROOT / module).read_text()))
    imported = {
        name.partition(".")[0]
        for node in tree
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
    }
    assert imported & may_not_know == set()


def test_no_lock_file_and_no_data_is_tracked() -> None:
    assert [
        path for path in tracked() if path.name == "uv.lock" or path.suffix in {".duckdb", ".sqlite"}
    ] == []
