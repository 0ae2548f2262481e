"""What the decision job asks of the domain: two objects, handed in by whoever builds the job.

The operators know Flink and nothing of loyalty; `Validator` and `Decider` know loyalty and nothing of Flink. Both are
pickled into the job graph, so they are built from plain configuration and open nothing in their constructors.
Whatever must outlive a failure they keep in `StateEntries`; anything they hold in attributes is a copy that can be made
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

DECISIONS = "loyalty.decisions"
DEAD_LETTERS = "loyalty.dead-letters"


class StateEntries(Protocol):
    """Keyed state by name. A name is any text; a page any bytes."""

    def get(self, name: str) -> bytes | None: ...

    def put(self, name: str, page: bytes) -> None: ...

    def remove(self, name: str) -> None: ...


class Record(NamedTuple):
    """A Kafka record exactly as it came."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Watermark(NamedTuple):
    """The exact clock (contract §4): event time in ms since 1970, and how often it has stepped back."""

    epoch: int
    at_ms: int


class DeadLetter(NamedTuple):
    """For `loyalty.dead-letters`: the key as it was received, the value a UTF-8 JSON object."""

    key: bytes | None
    value: bytes


class Document(NamedTuple):
    """A programme document that was accepted; `position` counts them from 1, without a gap."""

    position: int
    value: str


class ForAccount(NamedTuple):
    """Something for one account: `payload` reaches `Decider.receive` as it is.

    `documents` is how many programme documents had been accepted before it; it waits until as many have reached the
    decider. `clock` is the clock after it (so an event that moves the clock carries where it moved to); None before the
    first event.
    """

    account_id: str
    payload: bytes
    documents: int
    clock: Watermark | None


Passed = DeadLetter | Document | ForAccount


class Validator(Protocol):
    """Checks every record once. One instance, one set of pages."""

    def begin(self, pages: StateEntries, unread: Mapping[int, int]) -> None:
        """Called once after every start and restart, before anything else.

        `unread` names the partitions of `loyalty.transactions` that held records at the start which have not been
        taken yet, each with the offset of the last of them: the clock waits for these (architecture.md).
        """
        ...

    def take(self, pages: StateEntries, record: Record) -> Iterable[Passed]:
        """What becomes of a record. Transactions come only after all reference records that there were at the start."""
        ...

    def clock(self, pages: StateEntries) -> Watermark | None:
        """The clock as it stands. Asked for after a restart, when no record may ever come to carry it."""
        ...


class Output(NamedTuple):
    """A record to write: `topic` is DECISIONS or DEAD_LETTERS."""

    topic: str
    key: bytes | None
    value: bytes


class Verdict(NamedTuple):
    """What came of a record or a moment, and the next moment (event time, ms) at which this account must be woken.

    Naming the same moment again costs nothing. None asks for no waking; one that was asked for before still comes, and
    must then find nothing to do.
    """

    outputs: Sequence[Output]
    next_due_ms: int | None


class Decider(Protocol):
    """Decides for one account at a time. One instance an operator instance, one set of pages an account."""

    @property
    def reads_first(self) -> Sequence[str]:
        """The pages that are asked for every time, so that they may come together with the record."""
        ...

    def learn(self, document: str) -> None:
        """A programme document, in the order of acceptance; after a restart all of them again."""
        ...

    def receive(self, account_id: str, pages: StateEntries, payload: bytes, watermark_ms: int | None) -> Verdict:
        """Judge what `Validator` passed on. `watermark_ms` is the clock that travelled with it."""
        ...

    def fire(self, account_id: str, pages: StateEntries, watermark_ms: int) -> Verdict:
        """Do what is due at or before `watermark_ms`. May be called when nothing is."""
        ...
