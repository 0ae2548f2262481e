"""The document barrier: an account's envelope waits for the programme documents that were accepted before it.

Nothing orders the programme, which is broadcast, against the envelopes of the accounts. So each envelope says how many
documents were accepted before it, and waits in state until as many have come here. Those behind it wait too; so do
those behind an envelope that the domain failed at (`jobs.operators.parking`).
"""

from __future__ import annotations

from typing import Any, Protocol

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from jobs.operators.parking import ParkedAccount, attempt, refused
from jobs.runtime.entry_queue import EntryQueue
from jobs.runtime.names import PROGRAMME
from jobs.runtime.outputs import Sent
from jobs.runtime.packing import Envelope, unpack_document, unpack_envelope
from jobs.runtime.state_entries import FlinkEntries
from loyalty.records import Record, Refused, is_sent_again
from loyalty.wire.program import ProgramDocument, parse_program_document

PROGRAMME_STATE = MapStateDescriptor(PROGRAMME, Types.STRING(), Types.STRING())
"""Programme documents by position, the same in every instance."""

LOOK_AGAIN_MS = 20
REMEMBER_ACCOUNTS = 100_000


class OfAccounts(Protocol):
    """What an operator behind the barrier does for one account. `Any` is Flink's context."""

    def learn(self, document: ProgramDocument, /) -> None:
        """A programme document counts from now on."""
        ...

    def open_envelope(self, envelope: Envelope, ctx: Any, /) -> Sent:
        """What the domain makes of one that need wait no longer, all of it at once. May fail with any exception."""
        ...

    def caught_up(self, account_id: str, ctx: Any, /) -> Sent:
        """Nothing waits, or no longer: the last is done."""
        ...

    def record_in(self, envelope: Envelope, /) -> Record | None:
        """The record that it carries; None for what is made of a record of another account or topic."""
        ...

    def in_place_of(self, first: Envelope, again: Envelope, /) -> Envelope:
        """The record of `again` as if it had come when `first` did."""
        ...

    def refuse(self, record: Record, refused: Refused, /) -> Sent:
        """A dead letter."""
        ...


class DocumentBarrier:
    """Keeps the programme of an operator's instance, and the envelopes that wait for it, account by account."""

    def __init__(self, entries: FlinkEntries, operator: OfAccounts) -> None:
        self._entries = entries
        self._operator = operator
        self._waiting = EntryQueue(entries)
        self._parked = ParkedAccount(entries)
        self._documents: int | None = None
        self._none_waits: set[str] = set()

    def learn(self, value: bytes, ctx: Any) -> None:
        """An element of the broadcast: a document, or nothing, which only says that the broadcast is there."""
        known = self.known_documents(ctx)
        if value:
            position, document = unpack_document(value)
            ctx.get_broadcast_state(PROGRAMME_STATE).put(f"{position:08}", document.decode())
            self._operator.learn(parse_program_document(document))
            self._documents = known + 1

    def lets_pass(self, envelope: Envelope, ctx: Any) -> bool:
        """Whether it may be opened now, by `open`. If not, it is for `in_turn`."""
        known = self._documents
        if known is None:
            known = self.known_documents(ctx)
        account_id = envelope.account_id
        return envelope.documents <= known and (account_id in self._none_waits or not self.has_waiting(account_id))

    def open(self, envelope: Envelope, value: bytes, ctx: Any) -> Sent:
        """What becomes of an envelope (packed: `value`) that need not wait. If the domain fails, the account is
        parked."""
        made = attempt(self._entries, envelope.account_id, self._operator.open_envelope, envelope, ctx)
        if not isinstance(made, Exception):
            return made
        if self._operator.record_in(envelope) is not None:
            self._waiting.add(value)
        return self._park(envelope, made)

    def in_turn(self, envelope: Envelope, value: bytes, ctx: Any) -> Sent:
        """An envelope (packed: `value`) that has to wait itself, or behind others of its account."""
        account_id = envelope.account_id
        if self.has_waiting(account_id):
            if self._parked:
                yield from self._behind_parked(envelope, value, ctx)
                return
            yield from self._catch_up(account_id, ctx)
        if self.lets_pass(envelope, ctx):
            yield from self.open(envelope, value, ctx)
        else:
            self._waiting.add(value)
            self._none_waits.discard(account_id)
            self._look_again_later(ctx)

    def look_again(self, account_id: str, ctx: Any) -> Sent:
        """The wall clock's timer has come by: something waits for a document, or the operator set it for itself."""
        if not self._waiting:
            self._note_none_waits(account_id)
            yield from self._operator.caught_up(account_id, ctx)
        elif not self._parked:
            yield from self._catch_up(account_id, ctx)
            self._look_again_if_needed(account_id, ctx)

    def has_waiting(self, account_id: str) -> bool:
        """Asks the state once for each account: after a restart nobody knows, and later on it is kept up to date."""
        if account_id in self._none_waits:
            return False
        if self._waiting:
            return True
        self._note_none_waits(account_id)
        return False

    def known_documents(self, ctx: Any) -> int:
        """How many documents are here; after a restart those that are in state are learnt first."""
        if self._documents is None:
            kept = dict(ctx.get_broadcast_state(PROGRAMME_STATE).items())
            for position in sorted(kept):
                self._operator.learn(parse_program_document(kept[position].encode()))
            self._documents = len(kept)
        return self._documents

    def _catch_up(self, account_id: str, ctx: Any) -> Sent:
        """Opens those of the account's envelopes that need wait no longer; some do wait or did."""
        known = self.known_documents(ctx)
        while (value := self._waiting.first()) is not None:
            envelope = unpack_envelope(value)
            if envelope.documents > known:
                return
            made = attempt(self._entries, account_id, self._operator.open_envelope, envelope, ctx)
            if isinstance(made, Exception):
                if self._operator.record_in(envelope) is None:
                    self._waiting.remove_first()
                    continue
                yield from self._park(envelope, made)
                return
            self._waiting.remove_first()
            yield from made
        self._note_none_waits(account_id)
        yield from self._operator.caught_up(account_id, ctx)

    def _park(self, envelope: Envelope, problem: Exception) -> Sent:
        """The account is parked by this envelope, the first of those that wait now. One that carries no record is left
        out: nobody could send it again, and what it says another one will say anew."""
        record = self._operator.record_in(envelope)
        if record is None:
            return ()
        self._parked.park(problem)
        self._none_waits.discard(envelope.account_id)
        return self._operator.refuse(record, refused("account", problem))

    def _behind_parked(self, envelope: Envelope, value: bytes, ctx: Any) -> Sent:
        """An envelope of a parked account waits, unless it is the record sent again by which the account is parked."""
        packed = self._waiting.first()
        assert packed is not None
        first = unpack_envelope(packed)
        failed, record = self._operator.record_in(first), self._operator.record_in(envelope)
        if failed is None or record is None or not is_sent_again(failed, record):
            self._waiting.add(value)
            return
        again = self._operator.in_place_of(first, envelope)
        made = attempt(self._entries, envelope.account_id, self._operator.open_envelope, again, ctx)
        if isinstance(made, Exception):
            yield from self._operator.refuse(record, refused("account", made))
            return
        self._parked.let_go()
        self._waiting.remove_first()
        yield from made
        yield from self._catch_up(envelope.account_id, ctx)
        self._look_again_if_needed(envelope.account_id, ctx)

    def _look_again_if_needed(self, account_id: str, ctx: Any) -> None:
        if self.has_waiting(account_id) and not self._parked:
            self._look_again_later(ctx)

    def _note_none_waits(self, account_id: str) -> None:
        if len(self._none_waits) >= REMEMBER_ACCOUNTS:
            self._none_waits.clear()
        self._none_waits.add(account_id)

    def _look_again_later(self, ctx: Any) -> None:
        timers = ctx.timer_service()
        timers.register_processing_time_timer(timers.current_processing_time() + LOOK_AGAIN_MS)
