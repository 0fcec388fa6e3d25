"""What people were told: who they are, how far each has read, every digest and its state.

A digest's row and its rendered message are written in one transaction before anything is sent; what a crash leaves
is made or sent again, as the same mail, when the lease of the worker that died has ended.
"""

from digests.ledger.leases import LEASE, give_back, others_at_work, renew
from digests.ledger.looking import answer, digests, latest, message, view
from digests.ledger.making import keep, make_again, plan, take_due, withhold
from digests.ledger.migrations import LedgerNewer
from digests.ledger.people import keep_person_ids, person_ids, save_people, saved_at, saved_people
from digests.ledger.readings import Reading, caught_up, cursor, cursors, undo_caught_up
from digests.ledger.rows import NOTHING, STATES, Digest, Due, Made, Outcome, Outgoing
from digests.ledger.sending import came_back, forget_messages, settle, take
from digests.ledger.suppressions import Suppression, plain_address, suppressions, unsuppress
from digests.ledger.transactions import LedgerUnavailable, close
from digests.ledger.visits import seen, unread

__all__ = [
    "LEASE", "NOTHING", "STATES", "Digest", "Due", "LedgerNewer", "LedgerUnavailable", "Made", "Outcome", "Outgoing",
    "Reading", "Suppression", "answer", "came_back", "caught_up", "close", "cursor", "cursors", "digests", "forget_messages", "give_back", "keep",
    "keep_person_ids", "latest", "make_again", "message", "others_at_work", "person_ids", "plain_address", "plan", "renew", "save_people",
    "saved_at", "saved_people", "seen", "settle", "suppressions", "take", "take_due", "undo_caught_up", "unread", "unsuppress",
    "view", "withhold",
]  # fmt: skip
