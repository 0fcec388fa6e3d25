"""Makes the versions that readers of a file open: whole copies, or what is new since one. Beside appends."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from warehouse import hot, publish, state
from warehouse.deriving import Deriving
from warehouse.home import Home
from warehouse.whole import Base, Copy


@dataclass(frozen=True, slots=True)
class Sizes:
    """When a version is a whole copy, and when it is what is new since one. The defaults suit disks, tests are small."""

    whole: int = 32 << 20  # bytes up to which each version is copied whole
    news: int = 50_000  # events and things beyond which a whole copy costs less
    age: timedelta = timedelta(minutes=1)  # of a base when the next is made, if something is new
    share: int = 20  # but a base stays so many times as long as it took to copy


SIZES = Sizes()


class FileVersions:
    """What publishes one live file. One thread at a time; `appending` is held while nobody may append.

    The newest whole version that was made here is the base of those after it, until one made beside them takes its place.
    """

    def __init__(
        self, home: Home, deriving: Deriving, appending: AbstractContextManager[object], sizes: Sizes
    ) -> None:
        self._home, self._deriving, self._appending, self._sizes = home, deriving, appending, sizes
        self._next: tuple[Copy, Future[Base]] | None = None
        self._base = self._as_published()
        self._based_at = time.monotonic()

    def publish(self) -> None:
        """Let readers see what is new, if anything is."""
        self._take_next()
        if not self._publish_news():
            self._publish_whole()

    def finish(self) -> None:
        """Leave one whole version, which other tools open too."""
        now = publish.current(self._home)
        if now and now.base:
            self._publish_whole(anyway=True)

    def close(self) -> None:
        """Leave what is not finished."""
        self._drop_next()

    def _publish_news(self) -> bool:
        """Publish what is new since the base; False where that is not the way."""
        base = self._base
        if base is None or base.size <= self._sizes.whole:
            return False
        with self._deriving.up_to_date() as progress:
            count, news = hot.count(self._deriving.con, base), None
            if count > self._sizes.news:
                return False
            if not publish.is_current(self._home, progress.revision):
                news = hot.news(self._deriving.con, base)
        if news is not None:
            path = publish.new_file(self._home, progress.revision, base.path)
            hot.write(news, base, path)
            self._show(path, progress.revision)
            self._sweep()
        if count > self._sizes.news // 2 or (count and self._is_old(base)):
            self._begin_next()
        return True

    def _publish_whole(self, *, anyway: bool = False) -> None:
        """Publish a copy of everything, which becomes the base; where readers have it all, only if `anyway`."""
        self._drop_next()
        copy = self._begin_copy(anyway=anyway)
        if copy is None:
            return
        try:
            base = copy.run()
            self._show(base.path, base.revision)
            copy.link()
            self._lean_on(base)
            self._sweep()
        finally:
            self._end(copy)

    def _begin_next(self) -> None:
        """Make the next base, while versions go on leaning on this one."""
        if self._next is None and (copy := self._begin_copy(anyway=True)):

            def run() -> Base:
                base = copy.run()
                copy.link()
                return base

            thread = ThreadPoolExecutor(1, thread_name_prefix="next base")
            self._next = copy, thread.submit(run)
            thread.shutdown(wait=False)

    def _take_next(self) -> None:
        """Lean on the next base, where it is made; raises what went wrong with it."""
        if self._next is None or not self._next[1].done():
            return
        (copy, made), self._next = self._next, None
        self._end(copy)
        base = made.result()
        self._lean_on(base)
        now = publish.current(self._home)
        if now and now.revision == base.revision:
            self._show(base.path, base.revision)
            self._sweep()

    def _drop_next(self) -> None:
        if self._next is None:
            return
        (copy, made), self._next = self._next, None
        copy.stop()
        made.exception()  # waits for its end, whatever that is
        copy.path.unlink(missing_ok=True)
        self._end(copy)

    def _begin_copy(self, *, anyway: bool) -> Copy | None:
        with self._deriving.lock:
            self._deriving.catch_up()  # nearly all there is, while appends go on
            with self._appending, self._deriving.caught_up() as progress:
                if not anyway and publish.is_current(self._home, progress.revision):
                    return None
                return Copy(self._deriving.con, self._home, progress.revision, progress.head)

    def _end(self, copy: Copy) -> None:
        with self._deriving.lock:
            copy.close()

    def _lean_on(self, base: Base) -> None:
        self._deriving.forget(base.revision)
        self._base, self._based_at = base, time.monotonic()

    def _is_old(self, base: Base) -> bool:
        age = time.monotonic() - self._based_at
        return age > max(self._sizes.age.total_seconds(), self._sizes.share * base.seconds)

    def _show(self, path: Path, revision: int) -> None:
        publish.seal(path)
        publish.point(self._home, revision, path)

    def _sweep(self) -> None:
        publish.sweep(self._home, [self._next[0].path] if self._next else [])

    def _as_published(self) -> Base | None:
        """The version that readers have, where it is whole and all that the database holds."""
        now = publish.current(self._home)
        if now is None or now.base or not now.is_there or state.is_due(self._deriving.con):
            return None
        sql = "select revision, head from progress"
        ((revision, head),) = self._deriving.con.execute(sql).fetchall()
        return Base(now.path, revision, head) if revision == now.revision else None
