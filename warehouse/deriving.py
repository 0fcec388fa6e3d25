"""Current state kept up to the log, on a connection of its own, beside appends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import duckdb

from warehouse import state
from warehouse.transactions import transaction


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the log is, and how often it has changed."""

    revision: int
    head: int


class Deriving:
    """One at a time derives state, or reads it, with `con`: who holds `lock`, which may be taken twice.

    What was derived, and who was named on a board, is kept in mind until it is told to `forget` it, in the temporary table
    `changed`: things (source, entity_type, entity_id) and the revision at which that was (since).
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        lock: AbstractContextManager[object],
        turn: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.con, self.lock, self._turn = con, lock, turn
        con.execute(
            "create temp table changed (source varchar, entity_type varchar, entity_id varchar, since bigint)"
        )

    @contextmanager
    def up_to_date(self) -> Iterator[Progress]:
        """A transaction in which state is up to the log, as both are when it begins."""
        with self.lock, self._turn(), transaction(self.con):
            yield self._take_in()

    @contextmanager
    def caught_up(self) -> Iterator[Progress]:
        """State has been brought up to the log, and other machines do not write meanwhile."""
        with self.lock, self._turn():
            with transaction(self.con):
                progress = self._take_in()
            yield progress

    def catch_up(self) -> None:
        """Bring state up to the log."""
        with self.caught_up():
            pass

    def forget(self, revision: int) -> None:
        """No longer keep in mind what was derived up to this revision."""
        with self.lock:
            self.con.execute("delete from changed where since <= $revision", {"revision": revision})

    def close(self) -> None:
        """Leave the database."""
        self.con.close()

    def _take_in(self) -> Progress:
        was_due = state.take_in(self.con)
        ((revision, head),) = self.con.execute("select revision, head from progress").fetchall()
        if was_due:
            self.con.execute(
                "insert into changed select source, entity_type, entity_id, $revision"
                " from (from named select source, entity_type, entity_id union from all_touched select source, entity_type, entity_id)",
                {"revision": revision},
            )
        return Progress(revision, head)
