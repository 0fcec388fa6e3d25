"""What a webhook is answered: refused, kept aside, a ring left, or 200 once its events are committed in the log."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Protocol

from ingest.heard import Taker
from ingest.rings import ring
from ingest.sources import Clock, Delivery, Heard, HookRefused
from ingest.sources.hearing import said
from ingest.unreadable import FolderFull, keep_aside
from warehouse.home import Home
from warehouse.log import WarehouseBroken, WarehouseBusy
from warehouse.model import Batch, Snapshot

SECRETS: Mapping[str, str] = {
    "trello": "TRELLO_SECRET",
    "planka": "PLANKA_HOOK_TOKEN",
    "kanboard": "KANBOARD_HOOK_TOKEN",
    "github": "GITHUB_HOOK_SECRET",
    "jira": "JIRA_HOOK_SECRET",
}
"""The sources that send webhooks, and the setting with what they prove themselves by."""

MOST_UNREADABLE = 1000
"""Bodies kept aside in a home; when there are more, something is badly wrong, and the disk is not for it."""


class Hear(Protocol):
    """A source's ear: what a delivery tells; raises HookRefused where it is not the sender's own."""

    def __call__(self, delivery: Delivery, secret: str | None, observed_at: datetime) -> Heard: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What a delivery is answered; `retry_after` seconds where it should be sent again."""

    status: int
    text: str
    retry_after: int | None = None


class Receiver:
    """Takes deliveries, from several threads at once, and says one line for each."""

    def __init__(
        self,
        home: Home,
        taker: Taker,
        *,
        settings: Mapping[str, str],
        clock: Clock,
        say: Callable[[str], None],
        ears: Callable[[str], Hear | None] | None = None,
        most_unreadable: int = MOST_UNREADABLE,
    ) -> None:
        """`settings` hold the secrets (see SECRETS); `ears` find the ear of a source, None where there is none."""
        self._home, self._taker, self._settings = home, taker, settings
        self._clock, self._say, self._ears = clock, say, ears or ear
        self._most_unreadable = most_unreadable

    def knows(self, source: str) -> bool:
        """Whether webhooks of this source can be heard."""
        return source in SECRETS and self._ears(source) is not None

    def receive(self, source: str, delivery: Delivery) -> Reply:
        """Take one delivery and say what became of it."""
        started = time.perf_counter()
        reply, became = self._receive(source, delivery)
        self._say(
            f"hook source={source if source in SECRETS else '?'} status={reply.status} bytes={len(delivery.body)} {became} "
            f"seconds={time.perf_counter() - started:.2f}"
        )
        return reply

    def _receive(self, source: str, delivery: Delivery) -> tuple[Reply, str]:
        hear, setting = self._ears(source) if source in SECRETS else None, SECRETS.get(source, "")
        if hear is None:
            return Reply(404, f"no source sends webhooks to here; there are: {', '.join(SECRETS)}"), "unknown"
        if not self._settings.get(setting):
            return Reply(
                403, f"{setting} is not set on the receiving side, so nobody can be believed"
            ), f"unset={setting}"
        try:
            heard = hear(delivery, self._settings[setting], self._clock())
            if heard.events or heard.rings or heard.answer or said(delivery):
                return self._keep(source, heard)
        except HookRefused as error:
            return Reply(401, str(error)), f"refused={_quoted(error)}"
        except WarehouseBusy as error:
            return Reply(
                503, "the warehouse is busy; send it again", retry_after=30
            ), f"busy={_quoted(error)}"
        except (WarehouseBroken, OSError) as error:
            return _cannot(error)
        except Exception:  # noqa: BLE001 - whatever a sender sends, the receiver stays up and the body is kept
            self._say(f"hook source={source} cannot be heard:\n{traceback.format_exc()}")
        return self._aside(source, delivery)

    def _keep(self, source: str, heard: Heard) -> tuple[Reply, str]:
        """Commit the events, then ring: who looks because of a ring finds them there."""
        offset = f" offset={self._taker.take(_batch(heard)).result().upto}" if heard.events else ""
        rings = dict.fromkeys(heard.rings)
        for board_id in rings:
            ring(self._home, source, board_id)
        return Reply(200, heard.answer), f"events={len(heard.events)} rings={len(rings)}{offset}"

    def _aside(self, source: str, delivery: Delivery) -> tuple[Reply, str]:
        """Keep a body nobody can read in the home, and thank the sender: sending it again would help nobody."""
        try:
            path = keep_aside(self._home, source, delivery.body, most_files=self._most_unreadable)
        except FolderFull as error:
            return Reply(
                503, "too much that cannot be read", retry_after=3600
            ), f"aside=no full={_quoted(error)}"
        except OSError as error:
            return _cannot(error)
        return Reply(202, "kept, but it cannot be read"), f"aside=unreadable/{path.name}"


def _batch(heard: Heard) -> Batch:
    """The events of a delivery with the people it names, on the board it is about."""
    first = heard.events[0]
    met = Snapshot(first.source, first.board_id, first.observed_at, heard.people)
    return Batch(heard.events, people=(met,) if heard.people else ())


def _cannot(error: Exception) -> tuple[Reply, str]:
    return Reply(
        503, "it cannot be kept at the moment; send it again", retry_after=60
    ), f"broken={_quoted(error)}"


def _quoted(error: Exception) -> str:
    return json.dumps(str(error), ensure_ascii=False)


def ear(source: str) -> Hear | None:
    """The ear of a source, where it has one."""
    try:
        found: Hear | None = getattr(import_module(f"ingest.sources.{source}"), "hear", None)
    except ModuleNotFoundError:
        return None
    return found
