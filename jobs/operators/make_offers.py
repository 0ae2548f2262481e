"""The operator that makes offers: the one owner of every cap and every budget."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Protocol

from pyflink.common import Types
from pyflink.datastream import RuntimeContext

from jobs.operators.adapters import dead_letter, offered, refused_record, wall_clock_ms
from jobs.operators.parking import attempt, refused
from jobs.runtime.entry_queue import EntryQueue
from jobs.runtime.names import OFFER_ENTRIES
from jobs.runtime.outputs import Sent
from jobs.runtime.state_entries import FlinkEntries
from loyalty.offers.again import in_place_of, member_of, record_of
from loyalty.offers.making import Offers
from loyalty.state.codec import StateEntries
from loyalty.state.parked import PARKED_ENTRY, PARKED_MEMBERS

PUBLISHED, GO, MATCHED, REFUSED, AGAIN = b"P", b"G", b"M", b"R", b"A"
"""What an element is, by its first byte: a fact for the maker, the word to go on, an engagement that fits campaigns, a
dead letter, word of an engagement that was sent again."""

ONLY_KEY = 0
TO_MAKER = Types.ROW([Types.INT(), Types.PRIMITIVE_ARRAY(Types.BYTE())])


def to_maker(kind: bytes, payload: bytes = b"") -> tuple[int, bytes]:
    """An element for `make-offers`, under its one key."""
    return ONLY_KEY, kind + payload


_NUMBER = struct.Struct("<Q")
_COUNT = "@published"


def numbered(published: int, payload: bytes) -> bytes:
    """`payload` behind the number of facts that have to reach the maker before it."""
    return _NUMBER.pack(published) + payload


def number_of(packed: bytes) -> tuple[int, bytes]:
    """What `numbered` was given."""
    return _NUMBER.unpack_from(packed)[0], packed[_NUMBER.size :]


_KEY = struct.Struct("<i")


def pack_refused(key: bytes | None, value: bytes) -> bytes:
    return (_KEY.pack(-1) if key is None else _KEY.pack(len(key)) + key) + value


def unpack_refused(packed: bytes) -> tuple[bytes | None, bytes]:
    (length,) = _KEY.unpack_from(packed)
    end = _KEY.size + max(0, length)
    return packed[_KEY.size : end] if length >= 0 else None, packed[end:]


class Maker(Protocol):
    """`loyalty.offers.making.OfferMaker`, or what a test puts in its place. One instance, one set of state entries."""

    def published(self, entries: StateEntries, payload: bytes, /) -> None:
        """A fact. An offer decision that was published is decided for good, by this job or by one before it."""
        ...

    def settle(self, entries: StateEntries, payload: bytes, /) -> Offers:
        """Decide an engagement that fits campaigns."""
        ...


class MakeOffers:
    """Runs once, under one constant key, so nobody else can spend what it is about to.

    After each start it decides nothing until the intake says go: by then every offer that was published when the job
    started has come before, on the same output. Nothing orders that one against the other, so an engagement also says
    how many facts were accepted before it. Those that have to wait do so in state, in their order.
    """

    def __init__(self, maker: Maker, now: Callable[[], int] = wall_clock_ms) -> None:
        self._maker = maker
        self._now = now
        self._goes_on = False
        self._published: int | None = None
        self._parked: list[str] = []
        """The members that are parked (`jobs.operators.parking`); what waits of each is a queue of its own."""
        self._sent_again: list[bytes] = []
        """Word of engagements that were sent again, until the job may go on."""

    def open(self, runtime_context: RuntimeContext) -> None:
        self._entries = FlinkEntries(runtime_context, OFFER_ENTRIES)
        self._waiting = EntryQueue(self._entries)
        self._none_waits = False

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        if self._published is None:
            self._published = int(self._entries.get(_COUNT) or 0)
            self._none_waits = not self._waiting
            parked = self._entries.get(PARKED_ENTRY)
            self._parked = [] if parked is None else PARKED_MEMBERS.read(parked)
        kind, payload = value[:1], value[1:]
        if kind == MATCHED:
            published, content = number_of(payload)
            if self._goes_on and self._none_waits and published <= self._published:
                yield from self._settle(content)
            else:
                self._waiting.add(payload)
                self._none_waits = False
        elif kind == REFUSED:
            yield dead_letter(*unpack_refused(payload))
        elif kind == AGAIN:
            self._sent_again.append(payload)
            yield from self._let_go()
        else:
            if kind == PUBLISHED:
                self._maker.published(self._entries, payload)
                self._published += 1
                self._entries.put(_COUNT, b"%d" % self._published)
            else:
                assert kind == GO
                self._goes_on = True
            yield from self._let_go()
            yield from self._catch_up(self._published)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        """Sets none."""
        return ()

    def _catch_up(self, known: int) -> Sent:
        """Decide those that need wait no longer."""
        while self._goes_on and not self._none_waits:
            waited = self._waiting.first()
            if waited is None:
                self._none_waits = True
                return
            published, content = number_of(waited)
            if published > known:
                return
            self._waiting.remove_first()
            yield from self._settle(content)

    def _settle(self, content: bytes) -> Sent:
        if self._parked and (member_id := member_of(content)) in self._parked:
            self._behind_parked(member_id).add(content)
            return ()
        made = attempt(self._entries, "a member", self._decided, content)
        if not isinstance(made, Exception):
            return made
        member_id = member_of(content)
        self._behind_parked(member_id).add(content)
        self._keep_parked([*self._parked, member_id])
        return self._refuse(content, made)

    def _decided(self, content: bytes) -> Sent:
        return offered(self._maker.settle(self._entries, content), self._now())

    def _refuse(self, content: bytes, problem: Exception) -> Sent:
        return (refused_record(record_of(content), refused("member", problem)),)

    def _behind_parked(self, member_id: str) -> EntryQueue:
        # A member's id may hold slashes; the length keeps one queue apart from another.
        return EntryQueue(self._entries, f"{PARKED_ENTRY}/{len(member_id)}/{member_id}")

    def _keep_parked(self, members: list[str]) -> None:
        self._parked = members
        if members:
            self._entries.put(PARKED_ENTRY, PARKED_MEMBERS.write(members))
        else:
            self._entries.remove(PARKED_ENTRY)

    def _let_go(self) -> Sent:
        """Members whose failed engagement was sent again, if it is decided now."""
        if not self._goes_on:
            return
        for again in self._sent_again:
            for member_id in list(self._parked):
                first = self._behind_parked(member_id).first()
                assert first is not None
                content = in_place_of(first, again)
                if content is not None:
                    yield from self._try_again(member_id, content)
        self._sent_again.clear()

    def _try_again(self, member_id: str, content: bytes | None) -> Sent:
        """The member's engagements in their order, until one fails; the first of them is `content`."""
        waiting = self._behind_parked(member_id)
        while content is not None:
            made = attempt(self._entries, "a member", self._decided, content)
            if isinstance(made, Exception):
                yield from self._refuse(content, made)
                return
            waiting.remove_first()
            yield from made
            content = waiting.first()
        self._keep_parked([one for one in self._parked if one != member_id])
