"""Public holidays by country: the one door to the `holidays` package, which knows them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from functools import cache

from digests.mentions import plain


class UnknownCountry(ValueError):
    """No holidays are known for that country or region; the message says which name would be right."""


def holiday(country: str, day: date) -> str | None:
    """What is celebrated there on that day, in English; None on an ordinary day."""
    return _year(country, day.year).get(day)


@cache
def known(text: str) -> str:
    """The country as ISO 3166 writes it, "DE" or with a region "DE-BY". Raises UnknownCountry."""
    wanted, _, region = text.strip().partition("-")
    names = countries()
    code = next((one for one in names if plain(wanted) in (plain(one), plain(names[one]))), None)
    if code is None:
        near = get_close_matches(plain(wanted), {plain(name): None for name in names.values()}, 1, 0.7)
        meant = next((f"{one} ({name})" for one, name in names.items() if plain(name) in near), None)
        hint = f"did you mean {meant}?" if meant else "use its two letters, like DE, or DE-BY for a region."
        raise UnknownCountry(f"there is no country {text!r}; {hint}")
    if not region:
        return code
    places = regions(code)
    place = next((one for one in places if plain(one) == plain(region)), None)
    if place is None:
        hint = (
            f"known are {', '.join(places)}."
            if places
            else f"holidays are the same in all of it: use {code}."
        )
        raise UnknownCountry(f"{names[code]} has no region {region!r}; {hint}")
    return f"{code}-{place}"


@cache
def countries() -> Mapping[str, str]:
    """Names by their two letters, in the order of the names."""
    from holidays.registry import COUNTRIES

    names = {codes[1]: _name(module) for module, codes in COUNTRIES.items()}
    return dict(sorted(names.items(), key=lambda item: item[1]))


def regions(country: str) -> tuple[str, ...]:
    """The regions of a country whose holidays are told apart."""
    from holidays import country_holidays

    return tuple(country_holidays(country).subdivisions)


def _name(module: str) -> str:
    """ "bosnia_and_herzegovina" as a person writes it."""
    return " ".join(word if word in ("and", "of", "the") else word.capitalize() for word in module.split("_"))


@cache
def _year(country: str, year: int) -> Mapping[date, str]:
    # Imported here: it takes a quarter of a second, which only those pay who name a country.
    from holidays import country_holidays

    code, _, region = country.partition("-")
    return dict(country_holidays(code, subdiv=region or None, years=year, language="en_US"))
