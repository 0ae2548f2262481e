"""Which events come a second time (contract §4, *Duplicates*).

An event that the account has used within the last 35 days of its time makes no decision and changes nothing. Only used
events are remembered, so a repaired dead letter may come again; a refund that waits counts as used until it is a dead
letter. `loyalty.state.used_events` keeps them.
"""

from __future__ import annotations

from loyalty.records import Refused
from loyalty.state import used_events
from loyalty.state.account import Account


def is_duplicate(account: Account, event_id: str, key: bytes, digest: bytes) -> bool:
    """Whether an event with this id (and its `key_of`) and this `content_digest` has been used lately.

    Raises Refused `conflicting_duplicate` where one with this id and other content has.
    """
    known = used_events.find(account, event_id, key)
    if known is None:
        return False
    if known.digest != digest:
        raise Refused("conflicting_duplicate", f"Event {event_id} has been used already, with other content.")
    return True


key_of = used_events.key_of

remember = used_events.remember


def forget(account: Account, event_id: str) -> None:
    """The event turned out not to be used."""
    used_events.forget(account, event_id)
