"""The operator that finds the campaigns which an engagement may trigger; most engagements end here."""

from __future__ import annotations

from typing import Any, Protocol

from pyflink.datastream import RuntimeContext

from jobs.operators.document_barrier import DocumentBarrier
from jobs.operators.make_offers import AGAIN, MATCHED, REFUSED, number_of, numbered, pack_refused, to_maker
from jobs.runtime.names import ACCOUNT_ENTRIES
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import Envelope, unpack_envelope
from jobs.runtime.state_entries import FlinkEntries, from_flink
from loyalty.offers.matching import Match
from loyalty.records import Record, Refused, dead_letter, letter_key
from loyalty.state.codec import StateEntries
from loyalty.wire.json import to_json
from loyalty.wire.program import ProgramDocument


class Matcher(Protocol):
    """`loyalty.offers.matching.Matcher`, or what a test puts in its place. One instance an operator instance, one set
    of state entries an account."""

    def learn(self, document: ProgramDocument, /) -> None:
        """A programme document, in the order of acceptance; after a restart all of them again."""
        ...

    def receive(self, account_id: str, entries: StateEntries, payload: bytes, /) -> Match:
        """Judge what the intake passed on, an engagement or a fact."""
        ...

    def record_of(self, payload: bytes, /) -> Record | None:
        """The engagement that the intake passed on; None for a fact."""
        ...


class MatchCampaigns:
    """Any number of instances, each with the programme and its share of the accounts.

    All that comes of an engagement goes to `make-offers`, dead letters too: an operator with a broadcast has no side
    outputs while a timer fires.
    """

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    def open(self, runtime_context: RuntimeContext) -> None:
        self._entries = FlinkEntries(runtime_context, ACCOUNT_ENTRIES)
        self._barrier = DocumentBarrier(self._entries, self)

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Sent:
        self._barrier.learn(value, ctx)
        return ()

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        envelope = unpack_envelope(value)
        if self._barrier.lets_pass(envelope, ctx):
            return self._barrier.open(envelope, value, ctx)
        return self._barrier.in_turn(envelope, value, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        """Of the wall clock: nothing is ever due here."""
        return self._barrier.look_again(from_flink(ctx.get_current_key()), ctx)

    def learn(self, document: ProgramDocument) -> None:
        self._matcher.learn(document)

    def open_envelope(self, envelope: Envelope, ctx: Any) -> Sent:
        published, payload = number_of(envelope.payload)
        match = self._matcher.receive(envelope.account_id, self._entries, payload)
        sent = [] if match.matched is None else [(MAIN, to_maker(MATCHED, numbered(published, match.matched)))]
        if match.again is not None:
            sent.append((MAIN, to_maker(AGAIN, match.again)))
        for key, content in match.dead_letters:
            sent.append(_refused(key, content))
        return sent

    def caught_up(self, account_id: str, ctx: Any) -> Sent:
        return ()

    def record_in(self, envelope: Envelope) -> Record | None:
        return self._matcher.record_of(number_of(envelope.payload)[1])

    def in_place_of(self, first: Envelope, again: Envelope) -> Envelope:
        return first._replace(payload=again.payload)

    def refuse(self, record: Record, refused: Refused) -> Sent:
        return (_refused(letter_key(record), dead_letter(record, refused)),)


def _refused(key: bytes | None, content: dict[str, Any]) -> tuple[int, Any]:
    return MAIN, to_maker(REFUSED, pack_refused(key, to_json(content)))
