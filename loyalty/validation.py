"""The intake: every record of every input topic is checked here, once, in the order in which its partition holds it.

The checks are those of contract §2, in its order, up to `too_early`. What passes moves its partition's latest moment
on; the watermark is the least of these over the partitions that have had an event, less the lag (contract §4,
*Time*).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from loyalty.decider import Delivery
from loyalty.records import Record, Refused, dead_letter, erasure_of, letter_key, refuse_too_large
from loyalty.state.codec import EntryCodec, StateEntries
from loyalty.state.facts import READERS, is_made_offer
from loyalty.times import MINUTE_MS, format_time
from loyalty.wire import members, program, transactions
from loyalty.wire.content import content_digest
from loyalty.wire.decisions import Decision
from loyalty.wire.events import Transaction, read_transaction
from loyalty.wire.keys import record_key
from loyalty.wire.program import parse_program_document
from loyalty.wire.reading import WireError, shown

AHEAD_MS = 5 * MINUTE_MS
"""How far ahead of its record's timestamp an event may be."""


class Watermark(NamedTuple):
    """The watermark (ms). It steps back when a partition has its first event behind the others; each step back opens
    an epoch."""

    epoch: int
    ms: int


class ForAccount(NamedTuple):
    """A record for the decider of its account."""

    account_id: str
    delivery: Delivery
    documents: int
    """How many programme documents had been accepted before it."""
    watermark: Watermark | None
    event: Transaction | None = None
    """What was read of the record, where it is a transaction; nobody changes it."""


class Document(NamedTuple):
    """A programme document; `position` is 1 for the first that was accepted."""

    position: int
    key: str
    value: bytes
    watermark: Watermark | None


class DeadLetter(NamedTuple):
    key: bytes | None
    content: dict[str, Any]
    watermark: Watermark | None


class Ignored(NamedTuple):
    """What is no fact for this job: a decision that is not an offer that was made, and the erasure of what it does not
    know."""

    watermark: Watermark | None


Passed = ForAccount | Document | DeadLetter | Ignored


class Progress(msgspec.Struct, array_like=True):
    """What the intake has to remember."""

    latest: dict[int, int] = {}
    passed_by: list[int] = []
    epoch: int = 0
    watermark_ms: int | None = None
    documents: int = 0


PROGRESS: EntryCodec[Progress] = EntryCodec(Progress, 1)


class Validator:
    """Checks records and keeps the watermark.

    `awaited` names, for each partition of the transactions that held records when the job started, the last of them:
    there is no watermark until each of these partitions has had an event that passed or was read to there. So the
    order in which the partitions happen to be served makes no difference to a bounded run.
    """

    def __init__(self, lag_ms: int, awaited: Mapping[int, int]) -> None:
        self._lag_ms = lag_ms
        self._awaited = dict(awaited)
        self._progress: Progress | None = None
        self._watermark: Watermark | None = None
        """As it stands by the progress."""
        self._moved = False
        """Whether the progress is another than in the state entries."""

    def take(self, entries: StateEntries, record: Record) -> Passed:
        """Check the next record of its partition."""
        progress = self._load(entries)
        try:
            passed = self._check(entries, progress, record)
        except WireError as error:
            passed = self._refuse(progress, record, Refused(error.reason, str(error)))
        except Refused as refused:
            passed = self._refuse(progress, record, refused)
        if self._moved:
            self._moved = False
            entries.put("progress", PROGRESS.write(progress))
        return passed

    def watermark(self, entries: StateEntries) -> Watermark | None:
        """The watermark as it stands."""
        self._load(entries)
        return self._watermark

    def _load(self, entries: StateEntries) -> Progress:
        if self._progress is None:
            raw = entries.get("progress")
            progress = self._progress = Progress() if raw is None else PROGRESS.read(raw)
            # One that was passed by before may hold an event by now: it is waited for anew.
            progress.passed_by = [one for one in progress.passed_by if one not in self._awaited]
            self._watermark = (
                None if progress.watermark_ms is None else Watermark(progress.epoch, progress.watermark_ms)
            )
        return self._progress

    def _refuse(self, progress: Progress, record: Record, refused: Refused) -> DeadLetter:
        if record.topic == transactions.TOPIC:
            self._see(progress, record)
            self._tick(progress)
        return DeadLetter(letter_key(record), dead_letter(record, refused), self._watermark)

    def _check(self, entries: StateEntries, progress: Progress, record: Record) -> Passed:
        refuse_too_large(record)
        if record.topic == program.TOPIC:
            document = parse_program_document(record.value)
            _check_key(record, record_key(document))
            progress.documents += 1
            self._moved = True
            assert record.value is not None
            return Document(progress.documents, record_key(document), record.value, self._watermark)
        if record.topic == members.TOPIC:
            return self._member(entries, progress, record)
        if record.topic != transactions.TOPIC:
            fact = READERS[record.topic](record.value)
            _check_key(record, record_key(fact))
            if isinstance(fact, Decision) and not is_made_offer(fact):
                return Ignored(self._watermark)
            return ForAccount(fact.account_id, Delivery(record), progress.documents, self._watermark)
        event = read_transaction(record.value)
        _check_key(record, event.account_id)
        if event.occurred_at > record.timestamp_ms + AHEAD_MS:
            raise Refused(
                "too_early",
                f"{format_time(event.occurred_at)} is more than 5 minutes ahead of the record's own timestamp.",
            )
        before = self._watermark
        latest = progress.latest.get(record.partition)
        late = latest is not None and event.occurred_at < latest - self._lag_ms
        moved = latest is None or event.occurred_at > latest
        if moved:
            progress.latest[record.partition] = event.occurred_at
            self._moved = True
        if moved or self._awaited:
            self._see(progress, record)
            self._tick(progress)
        watermark = self._watermark
        assert record.value is not None
        delivery = Delivery(
            record,
            late,
            None if watermark is None else watermark.ms,
            None if before is None else before.ms,
            # The decider works longer for an event than the intake, so what either can do is done here.
            content_digest(record.value),
        )
        return ForAccount(event.account_id, delivery, progress.documents, watermark, event)

    def _member(self, entries: StateEntries, progress: Progress, record: Record) -> Passed:
        """Whose account a profile belongs to is remembered, since what erases it does not say."""
        if record.value is None:
            erasure = erasure_of(record)
            name = f"profile-of/{erasure.member_id}"
            account_id = entries.get(name) if erasure.of == "profile" else None
            if account_id is None:
                return Ignored(self._watermark)
            entries.remove(name)
            return ForAccount(account_id.decode(), Delivery(record), progress.documents, self._watermark)
        fact = members.parse_member(record.value)
        _check_key(record, record_key(fact))
        if isinstance(fact, members.MemberProfile):
            entries.put(f"profile-of/{fact.member_id}", fact.account_id.encode())
        return ForAccount(fact.account_id, Delivery(record), progress.documents, self._watermark)

    def _see(self, progress: Progress, record: Record) -> None:
        """A partition without a sound event holds the watermark back only up to the offset that is awaited."""
        if not self._awaited:
            return
        awaited = self._awaited.get(record.partition)
        if awaited is not None and record.offset >= awaited and record.partition not in progress.passed_by:
            progress.passed_by.append(record.partition)
            self._moved = True

    def _tick(self, progress: Progress) -> None:
        if not progress.latest:
            return
        if self._awaited:
            if any(one not in progress.latest and one not in progress.passed_by for one in self._awaited):
                return
            self._awaited = {}
        now = min(progress.latest.values()) - self._lag_ms
        if now != progress.watermark_ms:
            if progress.watermark_ms is not None and now < progress.watermark_ms:
                progress.epoch += 1
            progress.watermark_ms = now
            self._watermark = Watermark(progress.epoch, now)
            self._moved = True


def _check_key(record: Record, expected: str) -> None:
    if record.key != expected.encode("utf-8", "surrogatepass"):
        raise Refused("key_mismatch", f"The record's key is not {shown(expected)}, which its value asks for.")
