"""Which events an account has used lately (contract §4, *Duplicates*).

Most accounts use few events in 35 days, and each access to state costs as much as a good part of deciding. So the last
of them lie in the core entry, as records of one length in the order in which they were used. Of a busy account the
older ones move to blocks, entries of many records each; the core entry then has a few bytes of each of them, so that
most events are known to be new without a look at any block. Of an account that is busier still the oldest get an entry
each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import blake2b

from loyalty.state.account import Account
from loyalty.state.core import Core
from loyalty.state.entries import UsedEvent
from loyalty.state.migrations import SEEN_BY_ID
from loyalty.times import DAY_MS

REMEMBER_EVENTS_MS = 35 * DAY_MS
"""An `event_id` is known for this long (contract §4, *Duplicates*)."""

_RECORD = struct.Struct("<16s12sq")
"""A digest of the event's id, that of its content, and the account's time when it was used."""
_ID_BYTES = 16
_USED_AT = struct.Struct("<q")
_USED_AT_FROM = _RECORD.size - _USED_AT.size
_NOBODY = bytes(_ID_BYTES)
IN_CORE_MAX = 64
IN_BLOCK = 32
BLOCKS_MAX = 32
_SHORT = 4
"""So many bytes of each digest of an id that lies in a block are in the core entry."""

BY_DIGEST = 1
"""In `Core.seen_pages`: some events have an entry, named after the digest of their id."""


def find(account: Account, event_id: str, key: bytes) -> UsedEvent | None:
    """What is known of an event of this id (and its `key_of`), if it was used in the last 35 days of the account's
    time."""
    core = account.core
    if core.time is None:
        return None
    at = _position(core.seen, key)
    if at >= 0:
        seen: UsedEvent | None = _as_seen(core.seen, at)
    else:
        seen = _find_in_blocks(account, key) if core.seen_blocks else None
        if seen is None and core.seen_pages & BY_DIGEST:
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
    at = _position(core.seen, key)
    if at >= 0:
        core.seen = core.seen[:at] + core.seen[at + _RECORD.size :]
        return
    for place in _places_in_blocks(core, key):
        name, block, at = _block_of(account, place)
        if block.startswith(key, at):
            # Its place stays, so that every block has as many.
            account.seen_blocks.put(name, block[:at] + _NOBODY + block[at + _ID_BYTES :])
            core.seen_blocks = core.seen_blocks[:place] + _NOBODY[:_SHORT] + core.seen_blocks[place + _SHORT :]
            return
    if core.seen_pages & BY_DIGEST:
        account.seen.remove(key.hex())
    if core.seen_pages & SEEN_BY_ID:
        account.seen.remove(event_id)


def forget_old(account: Account, time: int) -> None:
    """Drop what is older than 35 days from the core entry; blocks and entries come up by their item of the
    `keep` list."""
    core = account.core
    used, too_old = core.seen, time - REMEMBER_EVENTS_MS
    end = 0
    while end < len(used) and _USED_AT.unpack_from(used, end + _USED_AT_FROM)[0] <= too_old:
        end += _RECORD.size
    if end:
        core.seen = used[end:]


def forget_block(account: Account, key: str) -> None:
    """All of a block is older than 35 days."""
    core = account.core
    if int(key) == core.seen_first_block and core.seen_blocks:
        _drop_first_block(account)


def _make_room(account: Account) -> None:
    """Half of what the core entry holds becomes a block."""
    core = account.core
    block = core.seen[: IN_BLOCK * _RECORD.size]
    core.seen = core.seen[len(block) :]
    core.seen_blocks += b"".join(key[:_SHORT] for key, _, _ in _RECORD.iter_unpack(block))
    name = _block_name(core.seen_first_block + len(core.seen_blocks) // (IN_BLOCK * _SHORT) - 1)
    account.seen_blocks.put(name, block)
    account.keep.add((_last_used_at(block) + REMEMBER_EVENTS_MS, f"block/{name}"))
    if len(core.seen_blocks) > BLOCKS_MAX * IN_BLOCK * _SHORT:
        _take_apart(account, _drop_first_block(account))


def _take_apart(account: Account, block: bytes) -> None:
    """Each event of a block gets an entry."""
    for key, digest, used_at in _RECORD.iter_unpack(block):
        if key != _NOBODY:
            name = key.hex()
            account.seen.put(name, UsedEvent(digest, used_at))
            account.keep.add((used_at + REMEMBER_EVENTS_MS, f"seen/{name}"))
            account.core.seen_pages |= BY_DIGEST


def _drop_first_block(account: Account) -> bytes:
    core = account.core
    name = _block_name(core.seen_first_block)
    block = account.seen_blocks.get(name)
    assert block is not None
    account.seen_blocks.remove(name)
    core.seen_first_block += 1
    core.seen_blocks = core.seen_blocks[IN_BLOCK * _SHORT :]
    return block


def _block_name(number: int) -> str:
    return f"{number:08}"


def _last_used_at(block: bytes) -> int:
    used_at: int = _USED_AT.unpack_from(block, len(block) - _USED_AT.size)[0]
    return used_at


def _find_in_blocks(account: Account, key: bytes) -> UsedEvent | None:
    for place in _places_in_blocks(account.core, key):
        _, block, at = _block_of(account, place)
        if block.startswith(key, at):
            return _as_seen(block, at)
    return None


def _places_in_blocks(core: Core, key: bytes) -> Iterator[int]:
    """Where the core entry has the first bytes of this key, the latest first."""
    short, noted = key[:_SHORT], core.seen_blocks
    place = noted.rfind(short)
    while place >= 0:
        if place % _SHORT == 0:
            yield place
        place = noted.rfind(short, 0, place + _SHORT - 1)


def _block_of(account: Account, place: int) -> tuple[str, bytes, int]:
    """The name of a block, what is in it, and where in it the record is that the core entry notes at `place`."""
    number, record = divmod(place // _SHORT, IN_BLOCK)
    name = _block_name(account.core.seen_first_block + number)
    block = account.seen_blocks.get(name)
    assert block is not None
    return name, block, record * _RECORD.size


def key_of(event_id: str) -> bytes:
    """What an event is remembered by."""
    return blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=_ID_BYTES).digest()


def _position(records: bytes, key: bytes) -> int:
    """Where the latest record of this id begins; -1 where there is none."""
    at = records.rfind(key)
    while at > 0 and at % _RECORD.size:  # bytes of two neighbours that happen to look like it
        at = records.rfind(key, 0, at + _ID_BYTES - 1)
    return at


def _as_seen(records: bytes, at: int) -> UsedEvent:
    _, digest, used_at = _RECORD.unpack_from(records, at)
    return UsedEvent(digest, used_at)
