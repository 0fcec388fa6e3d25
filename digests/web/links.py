"""The addresses a mail carries: its own page, the dashboard, and the ways to fewer mails."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from digests.mail import SENDER, Letterhead
from digests.model import NOWHERE, CatchUp, Links
from digests.naming import safe_url
from digests.web import tokens
from warehouse.home import Home


@dataclass(frozen=True)
class Doors:
    """Where a home's mails lead. `public` is where anybody reaches us, over https; without it links lead to `page`.

    One click in a mail program (RFC 8058) is a POST from a machine of the mail provider: it needs the public address.
    `mailbox` is an address whose mail we read, where there is one.
    """

    home: Home
    page: str = ""
    public: str = ""
    sender: str = SENDER
    mailbox: str = ""

    @property
    def letterhead(self) -> Letterhead:
        """What is the same on every mail of this home."""
        return Letterhead(self.sender, self.links)

    def links(self, catch_up: CatchUp) -> Links:
        """What the mail that tells `catch_up` leads to."""
        base = (safe_url(self.public) or safe_url(self.page) or "").rstrip("/")
        if not base:
            return NOWHERE
        who, window = catch_up.person.person_id, catch_up.window
        at = int(catch_up.to_at.timestamp())
        view = tokens.signed(self.home, "view", who, window.after, window.upto, at)
        out = tokens.signed(self.home, "unsubscribe", who, window.after, window.upto)
        is_public = base.startswith("https://") and bool(self.public)
        return Links(
            page=safe_url(self.page) or "",
            web=f"{base}/mail/{view}",
            fewer=f"{base}/unsubscribe/{out}",
            one_click=f"{base}/unsubscribe/{out}" if is_public else "",
            mailto=f"mailto:{quote(self.mailbox, safe='@')}?subject=unsubscribe%20{out}"
            if self.mailbox
            else "",
        )
