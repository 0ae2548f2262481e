"""The document barrier: an account's envelope waits for the programme documents that were accepted before it.

Nothing orders the programme, which is broadcast, against the envelopes of the accounts. So each envelope says how many
documents were accepted before it, and waits in state until as many have come here. Those behind it wait too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from jobs.runtime.entry_queue import EntryQueue
from jobs.runtime.names import PROGRAMME
from jobs.runtime.outputs import Sent
from jobs.runtime.packing import Envelope, unpack_document, unpack_envelope
from loyalty.state.codec import StateEntries
from loyalty.wire.program import ProgramDocument, parse_program_document

PROGRAMME_STATE = MapStateDescriptor(PROGRAMME, Types.STRING(), Types.STRING())
"""Programme documents by position, the same in every instance."""

LOOK_AGAIN_MS = 20
REMEMBER_ACCOUNTS = 100_000


class DocumentBarrier:
    """Keeps the programme of an operator's instance, and the envelopes that wait for it, account by account."""

    def __init__(
        self,
        entries: StateEntries,
        learn: Callable[[ProgramDocument], None],
        open_envelope: Callable[[Envelope, Any], Sent],
        caught_up: Callable[[str, Any], Sent],
    ) -> None:
        """What an operator does with a document and with an envelope that need wait no longer, and with an account when
        the last of those that waited is done. `Any` is Flink's context."""
        self._waiting = EntryQueue(entries)
        self._learn = learn
        self._open_envelope = open_envelope
        self._caught_up = caught_up
        self._documents: int | None = None
        self._none_waits: set[str] = set()

    def learn(self, value: bytes, ctx: Any) -> None:
        """An element of the broadcast: a document, or nothing, which only says that the broadcast is there."""
        known = self.known_documents(ctx)
        if value:
            position, document = unpack_document(value)
            ctx.get_broadcast_state(PROGRAMME_STATE).put(f"{position:08}", document.decode())
            self._learn(parse_program_document(document))
            self._documents = known + 1

    def lets_pass(self, envelope: Envelope, ctx: Any) -> bool:
        """Whether it may be opened at once. If not, it is for `in_turn`."""
        known = self._documents
        if known is None:
            known = self.known_documents(ctx)
        account_id = envelope.account_id
        return envelope.documents <= known and (account_id in self._none_waits or not self.has_waiting(account_id))

    def in_turn(self, envelope: Envelope, value: bytes, ctx: Any) -> Sent:
        """An envelope (packed: `value`) that has to wait itself, or behind others of its account."""
        account_id = envelope.account_id
        if self.has_waiting(account_id):
            yield from self._catch_up(account_id, ctx)
        if self.lets_pass(envelope, ctx):
            yield from self._open_envelope(envelope, ctx)
        else:
            self._waiting.add(value)
            self._none_waits.discard(account_id)
            self._look_again_later(ctx)

    def look_again(self, account_id: str, ctx: Any) -> Sent:
        """The wall clock's timer has come by."""
        yield from self._catch_up(account_id, ctx)
        if self.has_waiting(account_id):
            self._look_again_later(ctx)

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
                self._learn(parse_program_document(kept[position].encode()))
            self._documents = len(kept)
        return self._documents

    def _catch_up(self, account_id: str, ctx: Any) -> Sent:
        """Opens those of the account's envelopes that need wait no longer."""
        known = self.known_documents(ctx)
        waited = False
        while (value := self._waiting.first()) is not None:
            envelope = unpack_envelope(value)
            if envelope.documents > known:
                return
            waited = True
            self._waiting.remove_first()
            yield from self._open_envelope(envelope, ctx)
        self._note_none_waits(account_id)
        if waited:
            yield from self._caught_up(account_id, ctx)

    def _note_none_waits(self, account_id: str) -> None:
        if len(self._none_waits) >= REMEMBER_ACCOUNTS:
            self._none_waits.clear()
        self._none_waits.add(account_id)

    def _look_again_later(self, ctx: Any) -> None:
        timers = ctx.timer_service()
        timers.register_processing_time_timer(timers.current_processing_time() + LOOK_AGAIN_MS)
