"""Which events an account has used lately (contract §4, *Duplicates*).

Most accounts use few events in 35 days, and each access to state costs as much as a good part of deciding. So the last
of them lie in the core page, as records of one length in the order in which they were used; of a busy account the
older ones move to pages of their own.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

from loyalty.account import SEEN_BY_ID, Account, Core, Seen
from loyalty.times import DAY_MS

REMEMBER_EVENTS_MS = 35 * DAY_MS
"""An `event_id` is known for this long (contract §4, *Duplicates*)."""

_RECORD = struct.Struct("<16s12sq")
"""A digest of the event's id, that of its content, and the account's time when it was used."""
_ID_BYTES = 16
_USED_AT = struct.Struct("<q")
_USED_AT_FROM = _RECORD.size - _USED_AT.size
IN_CORE_MAX = 64

BY_DIGEST = 1
"""In `Core.seen_pages`: some events have a page, named after the digest of their id."""


def find(account: Account, event_id: str, key: bytes) -> Seen | None:
    """What is known of an event of this id (and its `key_of`), if it was used in the last 35 days of the account's
    time."""
    core = account.core
    if core.time is None:
        return None
    at = _position(core, key)
    if at >= 0:
        _, digest, used_at = _RECORD.unpack_from(core.seen, at)
        seen: Seen | None = Seen(digest, used_at)
    else:
        seen = None
        if core.seen_pages & BY_DIGEST:
            seen = account.seen.get(key.hex())
        if seen is None and core.seen_pages & SEEN_BY_ID:
            seen = account.seen.get(event_id)
    return seen if seen is not None and core.time < seen.used_at + REMEMBER_EVENTS_MS else None


def remember(account: Account, key: bytes, digest: bytes) -> None:
    """The event of this key was used at the account's present time."""
    core = account.core
    assert core.time is not None
    core.seen += _RECORD.pack(key, digest, core.time)
    if len(core.seen) > IN_CORE_MAX * _RECORD.size:
        _make_room(account)


def forget(account: Account, event_id: str) -> None:
    """The event turned out not to be used."""
    core = account.core
    key = key_of(event_id)
    at = _position(core, key)
    if at >= 0:
        core.seen = core.seen[:at] + core.seen[at + _RECORD.size :]
        return
    if core.seen_pages & BY_DIGEST:
        account.seen.remove(key.hex())
    if core.seen_pages & SEEN_BY_ID:
        account.seen.remove(event_id)


def forget_old(account: Account, time: int) -> None:
    """Drop what is older than 35 days from the core page; pages come up by their entry on the `keep` shelf."""
    core = account.core
    used, too_old = core.seen, time - REMEMBER_EVENTS_MS
    end = 0
    while end < len(used) and _USED_AT.unpack_from(used, end + _USED_AT_FROM)[0] <= too_old:
        end += _RECORD.size
    if end:
        core.seen = used[end:]


def _make_room(account: Account) -> None:
    core = account.core
    half = IN_CORE_MAX // 2 * _RECORD.size
    for key, digest, used_at in _RECORD.iter_unpack(core.seen[:half]):
        name = key.hex()
        account.seen.put(name, Seen(digest, used_at))
        account.keep.add((used_at + REMEMBER_EVENTS_MS, f"seen/{name}"))
    core.seen = core.seen[half:]
    core.seen_pages |= BY_DIGEST


def key_of(event_id: str) -> bytes:
    """What an event is remembered by."""
    return blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=_ID_BYTES).digest()


def _position(core: Core, key: bytes) -> int:
    """Where the latest record of this id begins; -1 where there is none."""
    at = core.seen.rfind(key)
    while at > 0 and at % _RECORD.size:  # bytes of two neighbours that happen to look like it
        at = core.seen.rfind(key, 0, at + _ID_BYTES - 1)
    return at
