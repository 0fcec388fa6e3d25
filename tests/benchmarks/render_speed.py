"""How many mails a second are composed on one core: text and HTML of one layout, and of two made apart (the baseline)."""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from digests import render
from digests.mail import compose
from digests.model import CatchUp

NIGHTS = {"busy": 60, "back_from_holiday": 30, "ten_thousand": 10}
"""Nights of tests/digests/test_render.py, and how often each is told a round."""


def main() -> None:
    """By turns, five rounds; medians of the processor's seconds."""
    stories, nights = _loaded("conftest.py"), _loaded("test_render.py")
    for name, times in NIGHTS.items():
        catch_up = getattr(nights, name)(stories.team())
        rates = [(_rate(compose, catch_up, times), _rate(_apart, catch_up, times)) for _ in range(5)]
        mails, apart = (round(statistics.median(some), 1) for some in zip(*rates, strict=True))
        print(json.dumps({"figure": f"mails a second, {name}", "value": mails, "laid out twice": apart}))


def _apart(catch_up: CatchUp) -> None:
    render.text(catch_up)
    compose(catch_up)


def _rate(tell: Callable[[CatchUp], object], catch_up: CatchUp, times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        tell(catch_up)
    return times / (time.process_time() - started)


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name.removesuffix(".py"), ROOT / "tests" / "digests" / name)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
