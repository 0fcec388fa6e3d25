"""Whether boards can be read, and how their reading goes, for `doctor`."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.sources import BoardGone, Source, SourceChanged, SourceRefused, SourceUnavailable
from ingest.sources.connect import connect, wanted
from ingest.status import read_status
from warehouse.home import Home
from warehouse.model import Finding


def check(home: Home, settings: Mapping[str, str]) -> list[Finding]:
    """Every source the settings name: does it let us read? And what the follower of this home wrote last."""
    found = [_check_named(name, settings) for name in wanted(settings)]
    if not found:
        text = "no Flux is read here; `daybreak up` starts one or reads FLUX_BASE_URL"
        found = [Finding(True, "board", text)]
    return found + check_reading(home)


def _check_named(name: str, settings: Mapping[str, str]) -> Finding:
    subject, step = f"source {name}", f"check its {name.upper()}_… settings"
    if name == "flux":
        subject = f"board {settings['FLUX_BASE_URL']}"
        step = "start the board (`daybreak up`), or check FLUX_BASE_URL and FLUX_API_KEY"
    try:
        with connect(name, settings) as source:
            return check_source(source, subject, step)
    except SourceRefused as error:
        return Finding(False, subject, str(error), step)


def check_source(source: Source, subject: str, step: str) -> Finding:
    """Whether a source lets us read, and how well each of its boards."""
    try:
        boards = source.boards()
        levels = [source.probe(board.board_id) for board in boards]
    except (SourceUnavailable, SourceRefused, SourceChanged, BoardGone) as error:
        return Finding(ok=False, subject=subject, text=str(error), next_step=step)
    if not boards:
        return Finding(ok=False, subject=subject, text="the key sees no boards", next_step=step)
    read = ", ".join(f"{levels.count(level)} by {level}" for level in sorted(set(levels)))
    return Finding(ok=True, subject=subject, text=f"answers; boards it lets us read: {read}")


def check_reading(home: Home) -> list[Finding]:
    """How the following of each source goes, by what it wrote last."""
    found = []
    for name, source in read_status(home).get("sources", {}).items():
        boards = source.get("boards", {})
        troubles = [source["trouble"], *(f"{key}: {one['trouble']}" for key, one in boards.items())]
        troubles = [words for words in troubles if words and not words.endswith(": ")]
        last = max((one["reconciled_at"] for one in boards.values()), default="") or "not yet"
        drift = sum(one["drift"] for one in boards.values())
        text = (
            troubles[0]
            if troubles
            else f"{len(boards)} boards, last held against the source: {last}, drift={drift}"
        )
        step = "see what `daybreak ingest follow` says" if troubles else ""
        found.append(Finding(ok=not troubles, subject=f"reading {name}", text=text, next_step=step))
    return found
