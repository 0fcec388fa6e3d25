"""Which sources the settings name, and a way in to each. A source's code is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from ingest.sources import Source, SourceRefused

WANTED: Mapping[str, tuple[str, ...]] = {
    "flux": ("FLUX_BASE_URL",),
    "trello": ("TRELLO_KEY", "TRELLO_TOKEN"),
    "planka": ("PLANKA_BASE_URL",),
    "kanboard": ("KANBOARD_BASE_URL",),
    "github": ("GITHUB_REPOS", "GITHUB_PROJECTS"),  # a bare GITHUB_TOKEN is there for many other reasons
    "jira": ("JIRA_BASE_URL",),
}
"""The settings that say a source is to be read; it may need more, and says so."""


def wanted(settings: Mapping[str, str]) -> list[str]:
    """The sources these settings name."""
    return [name for name, keys in WANTED.items() if any(settings.get(key) for key in keys)]


def connect(name: str, settings: Mapping[str, str]) -> Source:
    """A source by its name, to be used as a context manager; raises SourceRefused naming the setting that is missing."""
    if name not in WANTED:
        raise SourceRefused(f"{name} is no source; there are: {', '.join(WANTED)}")
    source: Source = import_module(f"ingest.sources.{name}").connect(settings)
    return source
