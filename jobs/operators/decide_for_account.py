"""The operator that decides: loads an account's pages, asks the domain, keeps what they became, is woken in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyflink.common import Types
from pyflink.datastream import RuntimeContext, TimeDomain
from pyflink.datastream.state import MapStateDescriptor

from jobs.domain import DEAD_LETTERS, DECISIONS, Decider, Output, Verdict, Watermark
from jobs.runtime.entry_queue import Waiting
from jobs.runtime.names import ACCOUNT_PAGES, PROGRAMME
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import Envelope, unpack_document, unpack_envelope
from jobs.runtime.state_entries import FlinkEntries, from_flink
from jobs.runtime.virtual_time import exact, virtual

PROGRAMME_STATE = MapStateDescriptor(PROGRAMME, Types.STRING(), Types.STRING())
"""Programme documents by position, the same in every instance."""

DESTINATIONS = {DECISIONS: 0, DEAD_LETTERS: 1}
_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
OUTPUTS = Types.ROW_NAMED(["destination", "key", "value"], [Types.INT(), _BYTES, _BYTES])

LOOK_AGAIN_MS = 20
REMEMBER_ACCOUNTS = 100_000


class DecideForAccount:
    """Any number of instances, each with the programme and its share of the accounts.

    Nothing orders the programme, which is broadcast, against the records of the accounts. So each record says how
    many documents were accepted before it, and waits in state until as many have come here. An account with records
    that wait does nothing else meanwhile; when the last of them is done, it makes up for what has fallen due.
    """

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self._documents: int | None = None
        self._none_waits: set[str] = set()
        self._woken_at: dict[str, int] = {}
        """By account, the virtual moment of the timer that was set last: setting it again would cross in vain."""

    def open(self, runtime_context: RuntimeContext) -> None:
        self._pages = FlinkEntries(runtime_context, ACCOUNT_PAGES)
        self._waiting = Waiting(self._pages)

    def process_broadcast_element(self, value: bytes, ctx: Any) -> Sent:
        known = self._known_documents(ctx)
        if value:
            position, document = unpack_document(value)
            ctx.get_broadcast_state(PROGRAMME_STATE).put(f"{position:08}", document)
            self._decider.learn(document)
            self._documents = known + 1
        return ()

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        if not value:
            return ()
        envelope = unpack_envelope(value)
        if envelope.documents <= self._known_documents(ctx) and not self._has_waiting(envelope.account_id):
            return self._receive(envelope, ctx.timer_service())
        return self._in_turn(envelope, value, ctx)

    def _in_turn(self, envelope: Envelope, value: bytes, ctx: Any) -> Sent:
        """A envelope that has to wait itself, or others of whose account do."""
        known = self._known_documents(ctx)
        if self._has_waiting(envelope.account_id):
            yield from self._catch_up(envelope.account_id, ctx)
        if envelope.documents <= known and not self._has_waiting(envelope.account_id):
            yield from self._receive(envelope, ctx.timer_service())
        else:
            self._waiting.add(value)
            self._none_waits.discard(envelope.account_id)
            self._look_again(ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        self._known_documents(ctx)
        account_id = from_flink(ctx.get_current_key())
        if ctx.time_domain() == TimeDomain.PROCESSING_TIME:
            return self._looked_again(account_id, ctx)
        if self._woken_at.get(account_id) == timestamp:
            del self._woken_at[account_id]
        if self._has_waiting(account_id):
            return ()
        return self._due(account_id, timestamp, ctx.timer_service())

    def _looked_again(self, account_id: str, ctx: Any) -> Sent:
        yield from self._catch_up(account_id, ctx)
        if self._has_waiting(account_id):
            self._look_again(ctx)

    def _receive(self, envelope: Envelope, timers: Any) -> Sent:
        clock = envelope.clock
        watermark_ms = None if clock is None else clock.at_ms
        verdict = self._decider.receive(envelope.account_id, self._pages, envelope.payload, watermark_ms)
        return self._settle(envelope.account_id, verdict, 0 if clock is None else clock.epoch, timers)

    def _due(self, account_id: str, timestamp: int, timers: Any) -> Sent:
        due, clock = exact(timestamp), exact(timers.current_watermark())
        assert due is not None
        if clock is None:
            return ()
        if due.at_ms <= clock.at_ms:
            return self._fire(account_id, clock, timers)
        # The clock has stepped back since this was set: its moment is still to come.
        timers.register_event_time_timer(virtual(Watermark(clock.epoch, due.at_ms)))
        return ()

    def _fire(self, account_id: str, clock: Watermark, timers: Any) -> Sent:
        verdict = self._decider.fire(account_id, self._pages, clock.at_ms)
        if verdict.next_due_ms is not None and verdict.next_due_ms <= clock.at_ms:
            # Flink would call again at once, for ever.
            raise RuntimeError(f"{account_id}: what is due at {verdict.next_due_ms} was not done at {clock.at_ms}")
        return self._settle(account_id, verdict, clock.epoch, timers)

    def _settle(self, account_id: str, verdict: Verdict, epoch: int, timers: Any) -> Sent:
        if verdict.next_due_ms is not None:
            self._wake_at(account_id, virtual(Watermark(epoch, verdict.next_due_ms)), timers)
        return written(verdict.outputs)

    def _wake_at(self, account_id: str, moment: int, timers: Any) -> None:
        if self._woken_at.get(account_id) != moment:
            if len(self._woken_at) >= REMEMBER_ACCOUNTS:
                self._woken_at.clear()
            self._woken_at[account_id] = moment
            timers.register_event_time_timer(moment)

    def _catch_up(self, account_id: str, ctx: Any) -> Sent:
        """Receive those of the account's records that need wait no longer; after the last, do what is due by now."""
        known = self._known_documents(ctx)
        timers = ctx.timer_service()
        waited = False
        while (value := self._waiting.first()) is not None:
            envelope = unpack_envelope(value)
            if envelope.documents > known:
                return
            waited = True
            self._waiting.remove_first()
            yield from self._receive(envelope, timers)
        self._note_none_waits(account_id)
        clock = exact(timers.current_watermark())
        if waited and clock is not None:
            yield from self._fire(account_id, clock, timers)

    def _has_waiting(self, account_id: str) -> bool:
        """Asks the state once for each account: after a restart nobody knows, and later on it is kept up to date."""
        if account_id in self._none_waits:
            return False
        if self._waiting:
            return True
        self._note_none_waits(account_id)
        return False

    def _note_none_waits(self, account_id: str) -> None:
        if len(self._none_waits) >= REMEMBER_ACCOUNTS:
            self._none_waits.clear()
        self._none_waits.add(account_id)

    def _look_again(self, ctx: Any) -> None:
        timers = ctx.timer_service()
        timers.register_processing_time_timer(timers.current_processing_time() + LOOK_AGAIN_MS)

    def _known_documents(self, ctx: Any) -> int:
        """How many documents are here; after a restart the decider learns those that are in state."""
        if self._documents is None:
            kept = dict(ctx.get_broadcast_state(PROGRAMME_STATE).items())
            for position in sorted(kept):
                self._decider.learn(kept[position])
            self._documents = len(kept)
        return self._documents


def written(outputs: Sequence[Output]) -> list[tuple[int, Any]]:
    """What is to be written, as SQL takes it."""
    return [(MAIN, (DESTINATIONS[topic], key, value)) for topic, key, value in outputs]
