"""The decider: where an account's events and due things are decided, one at a time.

Live, replay, tests and audits all come through `Decider`. For an event (contract §4, *Time*):

1. a known duplicate ends here (what the watermark has given up before is not known);
2. everything due at or before its `occurred_at` (or done by the watermark before it came) is done;
3. the account's time moves on; the event is judged, and makes its decisions or a dead letter;
4. a purchase is followed by the refunds that waited for it;
5. what is due by now, because the event itself set it, is done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from loyalty.program import Program
from loyalty.records import Record, Refused, dead_letter, letter_key
from loyalty.rules import bonuses as take_up
from loyalty.rules import earning, redemption, reversals, tiers
from loyalty.rules.decision_log import DecisionLog, reason
from loyalty.rules.ledger import lapse, release
from loyalty.state import used_events
from loyalty.state.account import (
    COMMITTED,
    EXPIRY,
    GRACE,
    HELD,
    HOLD,
    NEVER,
    RELEASE,
    SLIDE,
    WAITING,
    Account,
    Bonus,
    Cause,
    Due,
    Waiting,
)
from loyalty.state.codec import DictEntries, StateEntries
from loyalty.state.facts import REFERENCE_TOPICS, learn_fact
from loyalty.state.retention import tidy, tidy_lots
from loyalty.times import FIRST_MS, HOUR_MS, LAST_MS, format_time
from loyalty.wire.content import content_digest
from loyalty.wire.events import (
    Adjustment,
    Cancellation,
    Purchase,
    RedemptionCancelled,
    RedemptionCommitted,
    RedemptionRequested,
    Refund,
    Transaction,
    read_again,
)
from loyalty.wire.json import to_json
from loyalty.wire.program import ProgramDocument

NOTHING_DUE = FIRST_MS - 1
"""A moment before every other."""
WAIT_MS = 24 * HOUR_MS
"""How long a refund waits for its order, from its own `occurred_at`."""


_decided_at = lru_cache(maxsize=16)(format_time)
"""Many decisions are made within one millisecond."""


class Delivery(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A record that passed the checks up to `too_early`, on its way to its account."""

    record: Record
    late: bool = False
    """Further behind the latest event of its own partition than the watermark lag."""
    watermark_ms: int | None = None
    """The exact watermark just behind this record, ms; None before there is one."""
    watermark_before_ms: int | None = None
    """The one just before it."""
    digest: bytes = b""
    """`content_digest` of the record's value; empty where it has not been taken."""


class Verdict(msgspec.Struct, gc=False):
    """What the decider made of one delivery or timer."""

    decisions: list[dict[str, Any]]
    dead_letters: list[tuple[bytes | None, dict[str, Any]]]
    next_due_ms: int | None
    """The next moment at which something is due for this account."""
    fate: str
    """`used`, `duplicate`, `dead_letter`, `waiting`, `reference` or `timer`."""

    def encode(self, decided_at_ms: int) -> list[bytes]:
        """Each decision as the JSON of contract §5; `decided_at` is the caller's wall clock."""
        decided_at = _decided_at(decided_at_ms)
        for decision in self.decisions:
            decision["decided_at"] = decided_at
        return [to_json(decision) for decision in self.decisions]


class _Case:
    """One account at the decider, with what is being decided for it."""

    __slots__ = ("account", "dead_letters", "log", "next_due_ms", "program")

    def __init__(self) -> None:
        self.account = Account("", DictEntries())
        self.program = Program()
        self.log = DecisionLog(self.account)
        self.dead_letters: list[tuple[bytes | None, dict[str, Any]]] = []
        self.next_due_ms = NEVER
        """When something is due next, as the last sweep left it."""

    def turn_to(self, account_id: str, pages: StateEntries, program: Program) -> None:
        """Nothing is left of the account before."""
        self.program = program
        self.account.turn_to(account_id, pages)
        self.log.begin()
        self.dead_letters = []

    def refuse(self, record: Record, refused: Refused) -> None:
        self.dead_letters.append((letter_key(record), dead_letter(record, refused)))

    def verdict(self, fate: str) -> Verdict:
        at = self.next_due_ms
        return Verdict(self.log.decisions, self.dead_letters, None if at > LAST_MS else at, fate)


class Decider:
    """Decides for accounts by the programme it has learnt. Holds no state of any account."""

    def __init__(self) -> None:
        self.program = Program()
        self._case: _Case | None = None
        """Made when it is needed: a decider travels to the workers pickled."""

    def learn(self, document: ProgramDocument) -> None:
        """A programme document counts from now on."""
        self.program.learn(document)

    def receive(
        self, account_id: str, pages: StateEntries, delivery: Delivery, event: Transaction | None = None
    ) -> Verdict:
        """Decide one record of the account: a transaction, or a reference fact about it.

        `event` is the transaction in the record's value, where it has been read already.
        """
        record = delivery.record
        case = self._turn_to(account_id, pages)
        if record.topic in REFERENCE_TOPICS:
            learn_fact(case.account, record, self.program)
            _sweep(case, NOTHING_DUE)
            return case.verdict("reference")
        assert record.value is not None
        fate = self._receive(case, event or read_again(record.value), delivery, record.value)
        tidy(case.account, self.program)
        case.account.save()
        return case.verdict(fate)

    def fire(self, account_id: str, pages: StateEntries, watermark_ms: int) -> Verdict:
        """Do everything that is due at or before `watermark_ms`: the watermark, for an account that is quiet."""
        case = self._turn_to(account_id, pages)
        if _sweep(case, watermark_ms):
            tidy_lots(case.account)
            case.account.save()
        return case.verdict("timer")

    def _turn_to(self, account_id: str, pages: StateEntries) -> _Case:
        case = self._case
        if case is None:
            case = self._case = _Case()
        case.turn_to(account_id, pages, self.program)
        return case

    def _receive(self, case: _Case, event: Transaction, delivery: Delivery, value: bytes) -> str:
        account, core, record = case.account, case.account.core, delivery.record
        digest = delivery.digest or content_digest(value)
        key = used_events.key_of(event.event_id)
        before = delivery.watermark_before_ms
        if core.waiting != 0 and before is not None:
            # A refund that was given up by then has not been used, whether or not its timer has come by yet.
            _sweep(case, before)
        known = used_events.find(account, event.event_id, key)
        if known is not None:
            _sweep(case, NOTHING_DUE)
            if known.digest == digest:
                return "duplicate"
            detail = f"Event {event.event_id} has been used already, with other content."
            case.refuse(record, Refused("conflicting_duplicate", detail))
            return "dead_letter"
        clock = delivery.watermark_ms
        _sweep(case, event.occurred_at if clock is None else max(event.occurred_at, clock))
        core.time = event.occurred_at if core.time is None else max(core.time, event.occurred_at)
        core.arrivals += 1
        cause = Cause(
            event.event_id,
            record.partition,
            record.offset,
            event.occurred_at,
            core.time,
            core.arrivals,
            delivery.late,
        )
        try:
            self._check_programme(event)
            waits = _judge(case, event, cause)
        except Refused as refused:
            case.refuse(record, refused)
            _sweep(case, NOTHING_DUE)
            return "dead_letter"
        used_events.remember(account, key, digest)
        if waits is not None:
            _wait(case, waits, cause, record, value)
        elif isinstance(event, Purchase):
            _follow(case, event.order_id)
        _sweep(case, core.time if clock is None else max(core.time, clock))
        return "used" if waits is None else "waiting"

    def _check_programme(self, event: Transaction) -> None:
        missing = self.program.missing(event.occurred_at)
        if missing is not None:
            raise Refused(
                "no_programme",
                f"No version of the {missing} document is in force at {format_time(event.occurred_at)}.",
            )


def _judge(case: _Case, event: Transaction, cause: Cause) -> str | None:
    """Decide an event; raises Refused. Returns the order that a refund or cancellation has to wait for, if it has
    to."""
    if isinstance(event, Purchase):
        _judge_purchase(case, event, cause)
        return None
    account, program, log = case.account, case.program, case.log
    found = None
    order = None
    if isinstance(event, (Refund, Cancellation)):
        order = earning.known_order(account, event.order_id)
        if order is None:
            return event.order_id
    elif isinstance(event, RedemptionRequested):
        redemption.check_new(account, event.redemption_id)
    elif isinstance(event, RedemptionCommitted):
        found = redemption.check_standing(account, event.redemption_id, HELD)
    elif isinstance(event, RedemptionCancelled):
        found = redemption.check_standing(account, event.redemption_id, HELD, COMMITTED)

    in_force = tiers.sync(account, program)
    before = account.core.window_sum
    reversal = False
    bonuses: list[Bonus] = []
    if isinstance(event, Adjustment):
        if event.qualifying:
            tiers.qualify(account, program, in_force, cause, event.points)
        reversal = event.points < 0
        reversals.adjust(account, program, event, cause, log)
    elif order is not None:
        reversal = True
        if isinstance(event, Refund):
            reversals.refund(account, program, event, order, cause, log)
            bonuses = take_up.undo(account, program, event.order_id, order, cause, log, cancelled=False)
        elif isinstance(event, Cancellation):
            reversals.cancel(account, program, event, order, cause, log)
            bonuses = take_up.undo(account, program, event.order_id, order, cause, log, cancelled=True)
    tiers.judge(account, in_force, log, cause=cause, occurred_at=event.occurred_at, before=before, reversal=reversal)
    if isinstance(event, (Refund, Cancellation)) and order is not None:
        take_up.revoke(bonuses, event.order_id, order, cause, log)
    elif isinstance(event, RedemptionRequested):
        redemption.request(account, program, event, cause, log)
    elif found is not None:
        if isinstance(event, RedemptionCommitted):
            redemption.commit(account, event, found, cause, log)
        elif isinstance(event, RedemptionCancelled):
            redemption.cancel(account, event, found, cause, log)
    return None


def _judge_purchase(case: _Case, event: Purchase, cause: Cause) -> None:
    account, program, log = case.account, case.program, case.log
    in_force = tiers.sync(account, program)
    before = account.core.window_sum
    earning.purchase(account, program, event, cause, in_force, log)
    bonuses = take_up.take_up(account, program, event, cause, log)
    tiers.judge(account, in_force, log, cause=cause, occurred_at=event.occurred_at, before=before)
    take_up.issue(bonuses, event, cause, log)


def _wait(case: _Case, order_id: str, cause: Cause, record: Record, value: bytes) -> None:
    account = case.account
    due_at = cause.occurred_at + WAIT_MS
    waiting = Waiting(cause, order_id, due_at, record.topic, record.timestamp_ms, record.key, value)
    account.add_waiting(waiting)


def _stop_waiting(account: Account, waiting: Waiting) -> None:
    account.remove_waiting(waiting)


def _waiting_record(waiting: Waiting) -> Record:
    cause = waiting.cause
    return Record(waiting.topic, cause.partition, cause.offset, waiting.timestamp_ms, waiting.key, waiting.value)


def _follow(case: _Case, order_id: str) -> None:
    """The refunds that waited for this order follow right behind it, in the order in which they came."""
    account = case.account
    if account.core.waiting == 0 or earning.known_order(account, order_id) is None:
        return
    for event_id in account.waiting_for(order_id):
        waiting = account.waiting.get(event_id)
        assert waiting is not None
        _stop_waiting(account, waiting)
        try:
            _judge(case, read_again(waiting.value), waiting.cause)
        except Refused as refused:
            used_events.forget(account, event_id)
            case.refuse(_waiting_record(waiting), refused)


def _next_moment(case: _Case) -> int:
    """When something is due next; `NEVER` if nothing is. It may be a moment with nothing to do, never one too late."""
    core = case.account.core
    at = case.account.next_due_ms
    slide = core.slide
    if core.slide_found_by != case.program.tiers_known:
        slide = tiers.next_slide(case.account, case.program)
    if slide is not None and slide[0] < at:
        at = slide[0]
    grace = core.grace
    return grace.ends_at if grace is not None and grace.ends_at < at else at


def _next_due(case: _Case) -> Due | None:
    """What is due next, of several at one moment the first in the contract's order."""
    account = case.account
    core = account.core
    first = account.next_timer()
    slide = tiers.next_slide(account, case.program)
    if slide is not None and (first is None or slide < first):
        first = slide
    grace = core.grace
    if grace is not None:
        ends = Due(grace.ends_at, GRACE, grace.cause.occurred_at, grace.cause.number, "")
        if first is None or ends < first:
            first = ends
    return first


def _sweep(case: _Case, until: int) -> bool:
    """Do everything due at or before `until` (ms), in the contract's order, and look when something is due next; says
    whether there was anything."""
    core = case.account.core
    swept = False
    while (moment := _next_moment(case)) <= until:
        due = _next_due(case)
        if due is None or due[0] > until:
            continue  # now the moment is exact
        core.swept = due[0] if core.swept is None else max(core.swept, due[0])
        if due[1] < SLIDE:  # also before one that turns out to change nothing: the next slide is found from here
            tiers.sync(case.account, case.program, slides_to_come=True)
        _DO[due[1]](case, due)
        swept = True
    case.next_due_ms = moment
    return swept


def _notice_rules(case: _Case, cause: Cause, at: int, timer: str) -> None:
    """A due thing that decides something notices that another tiers document took effect."""
    in_force = tiers.sync(case.account, case.program, slides_to_come=True)
    before = case.account.core.window_sum
    tiers.judge(case.account, in_force, case.log, cause=cause, occurred_at=at, before=before, timer=timer)


def _end_hold(case: _Case, due: Due) -> None:
    account = case.account
    account.cancel(due)
    at, redemption_id = due[0], due[4]
    found = account.redemptions.get(redemption_id)
    assert found is not None
    _notice_rules(case, found.cause, at, "hold")
    redemption.end_hold(account, redemption_id, found, at, case.log)


def _release(case: _Case, due: Due) -> None:
    account = case.account
    account.cancel(due)
    at = due[0]
    lot = account.lots.get(due[4])
    if lot is None or not lot.pending:
        return
    debt = account.core.debt
    points, paid = release(account, lot)
    rest = f" {paid} of them paid debt." if paid else ""
    case.log.post(
        "points.released",
        cause=lot.cause,
        timer="release",
        occurred_at=at,
        member_id=lot.member_id,
        subject=lot.subject,
        reasons=[
            reason("return_window_ended", f"The return window ended: {points} points are available.{rest}", points)
        ],
        rules={"earning": lot.earning_version},
        evidence={"debt": debt, "paid_debt": paid},
    )
    _notice_rules(case, lot.cause, at, "release")


def _expire(case: _Case, due: Due) -> None:
    account = case.account
    account.cancel(due)
    at = due[0]
    lot = account.lots.get(due[4])
    if lot is None:
        return
    points = lapse(account, lot)
    if points:
        redemption.post_expired(case.log, lot, points, lot.cause, at, "expiry")
        _notice_rules(case, lot.cause, at, "expiry")


def _slide(case: _Case, due: Due) -> None:
    tiers.slide(case.account, case.program, due, case.log)


def _end_grace(case: _Case, due: Due) -> None:
    tiers.end_grace(case.account, case.program, case.log)


def _give_up_waiting(case: _Case, due: Due) -> None:
    account = case.account
    waiting = account.waiting.get(due[4])
    assert waiting is not None
    _stop_waiting(account, waiting)
    used_events.forget(account, due[4])
    detail = f"Order {waiting.order_id} did not come within 24 hours of the refund."
    case.refuse(_waiting_record(waiting), Refused("unknown_order", detail))


_DO: dict[int, Callable[[_Case, Due], None]] = {
    HOLD: _end_hold,
    RELEASE: _release,
    EXPIRY: _expire,
    SLIDE: _slide,
    GRACE: _end_grace,
    WAITING: _give_up_waiting,
}
