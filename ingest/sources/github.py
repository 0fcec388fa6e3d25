"""GitHub: repositories with their issues, and projects (Projects v2), each a board."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

import httpx

from ingest.sources import Board, Clock, Level, Page, SourceChanged, SourceRefused
from ingest.sources.github_events import translate
from ingest.sources.github_fields import SOURCE
from ingest.sources.github_hooks import hear
from ingest.sources.github_projects import Projects
from ingest.sources.github_repos import Repositories
from ingest.sources.site import Site
from ingest.sources.wire import Door, Wire
from warehouse.model import Snapshot

__all__ = ["SOURCE", "GitHub", "connect", "hear", "translate"]

ADDRESS = "https://api.github.com"
_DOOR = Door("GitHub", "GITHUB_BASE_URL", "GITHUB_TOKEN")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_PROJECT = re.compile(r"[\w.-]+/\d+")
_YES = ("1", "true", "yes", "on")


class GitHub(Site):
    """One GitHub, as one token sees it."""

    name = SOURCE

    rest = timedelta(minutes=1)
    """Between looks where nothing rings: three requests a repository, of which those that bring nothing new are free."""

    def __init__(
        self,
        token: str,
        *,
        repositories: tuple[str, ...] = (),
        projects: tuple[str, ...] = (),
        base_url: str = ADDRESS,
        with_pull_requests: bool = False,
        transport: httpx.BaseTransport | None = None,
        attempts: int = 4,
        first_wait: timedelta = timedelta(milliseconds=200),
    ) -> None:
        """Raises SourceRefused where the address or the token cannot be right."""
        headers = {
            "Authorization": f"Bearer {_DOOR.key(token)}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        base_url = base_url.rstrip("/")
        # GitHub's own servers serve REST under /api/v3 and GraphQL beside it.
        wires = [
            Wire(
                url,
                headers=headers,
                door=_DOOR,
                transport=transport,
                attempts=attempts,
                first_wait=first_wait,
            )
            for url in (base_url, base_url.removesuffix("/v3"))
        ]
        super().__init__(*wires)
        self._repositories = Repositories(wires[0], repositories, with_pull_requests=with_pull_requests)
        self._projects = Projects(wires[1], projects)

    def boards(self) -> list[Board]:
        """The repositories and projects that the settings name."""
        return [*self._repositories.boards(), *self._projects.boards()]

    def probe(self, board_id: str) -> Level:
        """A repository tells its log; a project does where the server knows the history of its items."""
        if self._repositories.has(board_id):
            return "log"
        try:
            self._projects.check(board_id)
        except SourceChanged:
            return "poll"
        return "log"

    def snapshot(self, board_id: str, clock: Clock) -> Snapshot:
        """The board as it stands now."""
        return self._of(board_id).snapshot(board_id, clock)

    def activity(self, board_id: str, after: str, clock: Clock) -> Iterator[Page]:
        """What happened after `after`."""
        return self._of(board_id).activity(board_id, after, clock)

    def _of(self, board_id: str) -> Repositories | Projects:
        return self._repositories if self._repositories.has(board_id) else self._projects


def connect(settings: Mapping[str, str]) -> GitHub:
    """A GitHub as the settings name it; raises SourceRefused, saying what is missing and how to get it."""
    token = settings.get("GITHUB_TOKEN", "")
    if not token:
        raise SourceRefused(
            "GITHUB_TOKEN is not set: make one under Settings → Developer settings → Personal access tokens, "
            "with read access to issues (for projects also read:project)"
        )
    repositories = _names(settings, "GITHUB_REPOS", _REPOSITORY, "owner/name")
    projects = _names(settings, "GITHUB_PROJECTS", _PROJECT, "owner/number")
    if not repositories and not projects:
        raise SourceRefused(
            "neither GITHUB_REPOS (owner/name,…) nor GITHUB_PROJECTS (owner/number,…) says which boards to read"
        )
    return GitHub(
        token,
        repositories=repositories,
        projects=projects,
        base_url=settings.get("GITHUB_BASE_URL") or ADDRESS,
        with_pull_requests=settings.get("GITHUB_PULL_REQUESTS", "").lower() in _YES,
    )


def _names(settings: Mapping[str, str], setting: str, pattern: re.Pattern[str], form: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in settings.get(setting, "").split(",") if name.strip())
    for name in names:
        if not pattern.fullmatch(name):
            raise SourceRefused(f"{setting} names {name!r}; write {form}, several with commas between")
    return names
