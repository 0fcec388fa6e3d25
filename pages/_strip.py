"""Twenty-four hours around now as a strip: one person's working hours on the clock everybody shares. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pages._zones import Period

SIDE = timedelta(hours=12)


def html(periods: Iterable[Period], now: datetime) -> str:
    """The strip: bars where the person works, a line at now. The words beside it say the same, so it is hidden from readers."""
    start, width = now - SIDE, 2 * SIDE
    bars = []
    for period in periods:
        left = max(period.start, start) - start
        right = min(period.end, now + SIDE) - start
        if right > left:
            bars.append(f'<i style="left:{left / width:.2%};width:{(right - left) / width:.2%}"></i>')
    return f'<span class="strip" aria-hidden="true">{"".join(bars)}<b></b></span>'
