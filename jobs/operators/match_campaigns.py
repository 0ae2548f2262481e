"""The operator that finds the campaigns which an engagement may trigger; most engagements end here."""

from __future__ import annotations

from typing import Any, Protocol

from pyflink.datastream import RuntimeContext

from jobs.operators.document_barrier import DocumentBarrier
from jobs.operators.make_offers import MATCHED, REFUSED, number_of, numbered, pack_refused, to_maker
from jobs.runtime.names import ACCOUNT_ENTRIES
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import Envelope, unpack_envelope
from jobs.runtime.state_entries import FlinkEntries, from_flink
from loyalty.offers.matching import Match
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


class MatchCampaigns:
    """Any number of instances, each with the programme and its share of the accounts.

    All that comes of an engagement goes to `make-offers`, dead letters too: an operator with a broadcast has no side
    outputs while a timer fires.
    """

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    def open(self, runtime_context: RuntimeContext) -> None:
        self._entries = FlinkEntries(runtime_context, ACCOUNT_ENTRIES)
        self._barrier = DocumentBarrier(self._entries, self._matcher.learn, self._receive, _nothing)

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Sent:
        self._barrier.learn(value, ctx)
        return ()

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        envelope = unpack_envelope(value)
        if self._barrier.lets_pass(envelope, ctx):
            return self._receive(envelope, ctx)
        return self._barrier.in_turn(envelope, value, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        """Of the wall clock: nothing is ever due here."""
        return self._barrier.look_again(from_flink(ctx.get_current_key()), ctx)

    def _receive(self, envelope: Envelope, ctx: Any) -> Sent:
        published, payload = number_of(envelope.payload)
        match = self._matcher.receive(envelope.account_id, self._entries, payload)
        sent = [] if match.matched is None else [(MAIN, to_maker(MATCHED, numbered(published, match.matched)))]
        for key, content in match.dead_letters:
            sent.append((MAIN, to_maker(REFUSED, pack_refused(key, to_json(content)))))
        return sent


def _nothing(account_id: str, ctx: Any) -> Sent:
    return ()
