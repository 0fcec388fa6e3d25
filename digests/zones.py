"""The zones there are, and which one somebody may have meant. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

from digests.mentions import plain


@cache
def zones() -> tuple[str, ...]:
    """Every IANA zone, by name."""
    return tuple(sorted(available_timezones() - {"localtime"}))


@cache
def zone_names() -> frozenset[str]:
    """The same, to look one up."""
    return frozenset(zones())


def near_zones(text: str) -> list[str]:
    """Zones somebody may have meant: by the name of the place, else by spelling."""
    by_plain = {plain(zone): zone for zone in zones()}
    wanted = plain(text.strip()).replace(" ", "_")
    places = {key.rpartition("/")[2]: zone for key, zone in by_plain.items() if "/" in key}
    found = [by_plain[wanted]] if wanted in by_plain else []
    found += [places[key] for key in get_close_matches(wanted.rpartition("/")[2], places, 2, 0.75)]
    found += [by_plain[key] for key in get_close_matches(wanted, by_plain, 2, 0.7)]
    return list(dict.fromkeys(found))[:3]
