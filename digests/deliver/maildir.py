"""A folder that any mail program reads: where mail goes while no server is set."""

from __future__ import annotations

import mailbox
import os
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from digests.deliver.carriers import Parcel, ServerUnavailable
from digests.mail import SENDER


@dataclass(frozen=True)
class Maildir:
    """The file is named for the Message-ID: the same mail is there once."""

    path: Path
    sender: str = SENDER
    connections: int = 1

    def session(self) -> AbstractContextManager[Self]:
        """Itself: there is nothing to open."""
        return nullcontext(self)

    def deliver(self, parcel: Parcel) -> None:
        """Write it aside, then move it in whole."""
        name = re.sub(r"[^A-Za-z0-9.-]", "_", parcel.message_id.strip("<>"))
        try:
            mailbox.Maildir(self.path, create=True).close()
            if any(next(self.path.joinpath(folder).glob(f"{name}*"), None) for folder in ("new", "cur")):
                return
            aside = self.path / "tmp" / name
            with aside.open("wb") as file:
                file.write(parcel.message.replace(b"\r\n", b"\n"))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path / "new" / name)
        except OSError as error:
            raise ServerUnavailable(
                f"{self.path} cannot be written ({error.strerror}). Make the folder writable; it is tried again."
            ) from error
