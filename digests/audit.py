"""Whether what was told can be accounted for (`audit`), and whether people can be told (`check`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from digests import ledger
from digests.ledger import Digest
from digests.people import people
from digests.schedule import next_slot
from warehouse.home import Home
from warehouse.model import Finding

_SHOWN = 5


def audit(home: Home) -> list[Finding]:
    """Every digest's counts add up to its window, and one person's windows neither overlap nor gap."""
    digests = ledger.digests(home)
    return [_balance(digests), _tiling(digests)]


def _balance(digests: list[Digest]) -> Finding:
    wrong = [digest for digest in digests if not _adds_up(digest)]
    if not wrong:
        return Finding(
            True,
            "digests",
            f"{len(digests)} digests and receipts: shown + folded + excluded = events in each",
        )
    named = ", ".join(f"{one.person_id} upto {one.window.upto}" for one in wrong[:_SHOWN])
    return Finding(
        False, "digests", f"{len(wrong)} digests do not add up: {named}", "Report this with the ledger file."
    )


def _adds_up(digest: Digest) -> bool:
    told = digest.counts
    total = told["shown"] + told["folded"] + sum(told["excluded"].values())
    return bool(total == told["events"] == digest.window.upto - digest.window.after)


def _tiling(digests: list[Digest]) -> Finding:
    sent = [digest for digest in digests if digest.state == "sent"]
    torn = []
    for person_id in sorted({digest.person_id for digest in sent}):
        windows = sorted((one.window.after, one.window.upto) for one in sent if one.person_id == person_id)
        # Reading on the page moves the next window's beginning ahead; it never comes to lie before the last one's end.
        torn += [
            f"{person_id} after {later[0]}" for earlier, later in pairwise(windows) if later[0] < earlier[1]
        ]
    if torn:
        return Finding(
            False, "windows", f"mails that tell something twice: {', '.join(torn[:_SHOWN])}", "Report this."
        )
    return Finding(True, "windows", f"{len(sent)} mails tell nothing twice")


def check(home: Home, now: datetime) -> list[Finding]:
    """Who can be told: zones, addresses, what could not be delivered."""
    return [finding for part in (_people(home, now), _undelivered(home)) for finding in part]


def _people(home: Home, now: datetime) -> Iterator[Finding]:
    everybody = people(home)
    mend = "Complete them in people.toml and run `daybreak people import people.toml`."
    for what, some in (
        ("zone", [one for one in everybody if one.zone is None]),
        ("e-mail address", [one for one in everybody if one.zone is not None and one.email is None]),
    ):
        if some:
            names = ", ".join(one.name for one in some[:_SHOWN]) + (" …" if len(some) > _SHOWN else "")
            # Whoever is met on a board is a person: not to mail them yet is a choice, not a fault.
            yield Finding(
                True,
                "people",
                f"{len(some)} of {len(everybody)} have no {what} and get no mail: {names}",
                mend,
            )
    ready = [one for one in everybody if one.zone and one.email]
    coming = min(
        (slot for one in ready if (slot := next_slot(one, now))), key=lambda slot: slot.at, default=None
    )
    when = f"; the next digest is due {coming.at:%a %H:%M} UTC" if coming else ""
    yield Finding(True, "people", f"{len(ready)} of {len(everybody)} get a digest{when}")


def _undelivered(home: Home) -> Iterator[Finding]:
    last = ledger.latest(home, states=ledger.STATES).values()
    for state, mend in (
        ("deferred", "It is tried again by itself; `daybreak digest run` tries now."),
        ("refused", "Mend the address in people.toml or the SMTP URL; the next digest covers the gap."),
    ):
        left = [digest for digest in last if digest.state == state]
        if left:
            one = max(left, key=lambda digest: digest.digest_id)
            text = f"{len(left)} digests {state}, last for {one.person_id} ({one.recipient}): {one.reason}"
            yield Finding(False, "mail", text, mend)
    for stopped in ledger.suppressions(home).values():
        yield Finding(
            False,
            "mail",
            f"{stopped.address} gets no mail since {stopped.since_at:%d %b %Y}: {stopped.reason}",
            f"If the address is right by now: daybreak digest unsuppress {stopped.address}",
        )
