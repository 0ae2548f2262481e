"""The two operators without Flink: what waits, what is woken, and what a restart finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast

import pytest
from pyflink.datastream import TimeDomain

from jobs.operators.adapters import delivery_in, in_an_envelope
from jobs.operators.check_records import NOBODY, TO_DOCUMENTS, TO_REFUSED, CheckRecords
from jobs.operators.decide_for_account import DecideForAccount
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import pack_document, unpack_envelope
from jobs.runtime.virtual_time import BEFORE_ALL, BEYOND, NO_WATERMARK, timestamp, virtual
from jobs.topics import DECISIONS, FRAUD_SIGNALS, MEMBERS, TRANSACTIONS
from loyalty.decider import Delivery, Verdict
from loyalty.records import Record
from loyalty.state.codec import StateEntries
from loyalty.validation import ForAccount, Ignored, Passed, Watermark
from loyalty.wire.events import Transaction
from loyalty.wire.program import ProgramDocument
from tests.jobs.fakes import FakeFlink
from tests.jobs.standin import StandInDecider, StandInValidator, document, for_account

EVENT, WALL = TimeDomain.EVENT_TIME, TimeDomain.PROCESSING_TIME


class Decide:
    """`DecideForAccount` between fakes; what it emits is gathered as (kind, at, documents) of each decision."""

    def __init__(self, flink: FakeFlink) -> None:
        self.flink = flink
        self.operator = DecideForAccount(StandInDecider())
        self.operator.open(flink)

    def receive(self, account: str, at: int, documents: int, watermark: Watermark | None, **more: Any) -> list[Any]:
        passed = for_account(account, {"account": account, "at": at, "add": 1, **more}, documents, watermark)
        self.flink.key = account
        return _said(self.operator.process_element(in_an_envelope(passed), self.flink))

    def learn(self, position: int) -> None:
        assert (
            list(self.operator.process_broadcast_element(pack_document(position, document(position)), self.flink)) == []
        )

    def wake(self, account: str, domain: TimeDomain, moment: int) -> list[Any]:
        """Fires a timer that must have been set."""
        self.flink.timers[account].remove((domain, moment))
        self.flink.key, self.flink.domain = account, domain
        return _said(self.operator.on_timer(moment, self.flink))

    def watermark(self, watermark: Watermark) -> list[Any]:
        """Moves the watermark and fires what it passes, as Flink does."""
        self.flink.watermark = virtual(watermark)
        said = []
        while due := sorted(
            (moment, account)
            for account, timers in self.flink.timers.items()
            for domain, moment in timers
            if domain is EVENT and moment <= self.flink.watermark
        ):
            moment, account = due[0]
            said += self.wake(account, EVENT, moment)
        return said


def _said(sent: Sent) -> list[Any]:
    decisions = [json.loads(row[2]) for _, row in sent]
    return [(decision["kind"], decision["at"], decision["documents"]) for decision in decisions]


def test_a_record_waits_until_as_many_documents_are_here_and_those_behind_it_wait_too() -> None:
    decide = Decide(FakeFlink())
    decide.learn(1)
    assert decide.receive("a", 10, 2, None) == []
    assert decide.receive("a", 11, 1, None) == [], "it would do by itself, but not out of order"
    assert decide.receive("b", 12, 1, None) == [("added", 12, 1)], "another account's does not wait"
    (again,) = decide.flink.timers["a"]
    assert decide.wake("a", *again) == []
    assert decide.flink.timers["a"], "it looks again"

    decide.learn(2)
    (again,) = decide.flink.timers["a"]
    assert decide.wake("a", *again) == [("added", 10, 2), ("added", 11, 2)]
    assert decide.flink.timers["a"] == set()
    assert decide.receive("a", 13, 2, None) == [("added", 13, 2)]
    assert [name for name in decide.flink.entries("a") if name.startswith("@")] == []


def test_the_next_record_of_the_account_lets_those_go_that_need_wait_no_longer() -> None:
    decide = Decide(FakeFlink())
    assert decide.receive("a", 10, 1, None) == []
    decide.learn(1)
    assert decide.receive("a", 11, 1, None) == [("added", 10, 1), ("added", 11, 1)]


def test_nothing_is_due_for_an_account_that_waits_and_all_of_it_is_done_after() -> None:
    decide = Decide(FakeFlink())
    decide.receive("a", 10, 0, Watermark(0, 10), later={"at": 20, "add": 1})
    assert decide.receive("a", 11, 1, Watermark(0, 11), later={"at": 25, "add": 1}) == []
    assert decide.watermark(Watermark(0, 30)) == [], "first the event of 11 has to be judged"
    decide.learn(1)
    (again,) = decide.flink.timers["a"]
    assert decide.wake("a", *again) == [("added", 11, 1), ("due", 20, 1), ("due", 25, 1)]


def test_after_a_restart_records_still_wait_and_the_documents_are_learnt_again() -> None:
    flink = FakeFlink()
    first = Decide(flink)
    first.learn(1)
    first.receive("a", 10, 2, None)

    again = Decide(flink)
    assert again.receive("a", 11, 1, None) == []
    again.learn(2)
    assert again.receive("a", 12, 2, None) == [("added", 10, 2), ("added", 11, 2), ("added", 12, 2)]

    third = Decide(flink)
    assert third.receive("b", 13, 2, None) == [("added", 13, 2)]


def test_documents_are_learnt_in_the_order_of_acceptance() -> None:
    flink = FakeFlink()
    learnt: list[int] = []

    class Learner(StandInDecider):
        def learn(self, document: ProgramDocument) -> None:
            learnt.append(document.version)

    flink.broadcast_state.by_key[""] = {f"{at:08}": document(at).decode() for at in (10, 9, 1, 2)}
    operator = DecideForAccount(Learner())
    operator.open(flink)
    assert list(operator.process_broadcast_element(b"", flink)) == []
    assert learnt == [1, 2, 9, 10]


def test_a_timer_of_an_earlier_epoch_is_set_again_and_fires_when_it_is_due() -> None:
    decide = Decide(FakeFlink())
    decide.receive("a", 10, 0, Watermark(0, 10), later={"at": 20, "add": 1})
    assert decide.watermark(Watermark(1, 5)) == []
    assert decide.flink.timers["a"] == {(EVENT, virtual(Watermark(1, 20)))}
    assert decide.watermark(Watermark(1, 19)) == []
    assert decide.watermark(Watermark(1, 20)) == [("due", 20, 0)]
    assert decide.flink.timers["a"] == set()


def test_a_decider_that_leaves_undone_what_is_due_is_not_called_again_at_once(caplog: pytest.LogCaptureFixture) -> None:
    class Idle(StandInDecider):
        def fire(self, account_id: str, entries: StateEntries, watermark_ms: int) -> Verdict:
            return Verdict([], [], watermark_ms, "timer")

    flink = FakeFlink()
    operator = DecideForAccount(Idle())
    operator.open(flink)
    flink.key, flink.watermark = "a", virtual(Watermark(0, 20))
    assert list(operator.on_timer(virtual(Watermark(0, 20)), flink)) == []
    assert "a: what is due at 20 was not done at 20" in caplog.text
    assert [domain for domain, _ in flink.timers["a"]] == [WALL], "Flink would call again at once, for ever"


def test_an_account_that_was_quiet_when_the_job_was_drained_is_woken_after_its_restart() -> None:
    """`flink stop --drain` ends the input, which fires every timer there is."""
    flink = FakeFlink()
    before = Decide(flink)
    before.receive("a", 10, 0, Watermark(0, 10), later={"at": 45, "add": 1})
    (due,) = flink.timers["a"]
    flink.watermark = (1 << 63) - 1
    assert before.wake("a", *due) == [], "what is due later does not fire"

    flink.watermark = NO_WATERMARK
    again = Decide(flink)
    ((domain, moment),) = flink.timers["a"]
    assert domain is WALL
    assert again.wake("a", domain, moment) == []
    assert again.watermark(Watermark(0, 44)) == []
    assert again.watermark(Watermark(0, 45)) == [("due", 45, 0)]


def test_an_element_that_only_carries_the_watermark_is_nobodys() -> None:
    flink = FakeFlink()
    assert list(Decide(flink).operator.process_element(b"", flink)) == []
    assert dict(flink.map_state.by_key) == {}


def _no_offers(taken: Any) -> dict[str, dict[int, int]]:
    return {}


class Check:
    """`CheckRecords` between fakes, sorted by where each element goes."""

    def __init__(self, flink: FakeFlink, start_offsets: Mapping[str, Mapping[int, int]]) -> None:
        self.flink = flink
        self.operator = CheckRecords(partial(StandInValidator, 0), lambda: start_offsets, _no_offers)
        self.operator.open(flink)

    def take(self, topic: str, offset: int, value: bytes, partition: int = 0) -> list[Any]:
        packed = f"{topic} {partition} {offset} 1700000000000 1 {len(value)}\n".encode() + b"k" + value
        return _sorted(self.operator.process_element(packed, self.flink))

    def tick(self) -> list[Any]:
        return _sorted(self.operator.on_timer(0, self.flink))


def test_of_the_decisions_only_made_offers_are_facts_and_the_last_of_the_start_is_waited_for() -> None:
    flink = FakeFlink()
    asked: list[int] = []

    def last_offers(taken: Callable[[str, int], int]) -> dict[str, dict[int, int]]:
        asked.append(taken(DECISIONS, 0))
        return {DECISIONS: {0: 7}}

    def packed(topic: str, offset: int, value: bytes) -> bytes:
        return f"{topic} 0 {offset} 1700000000000 1 {len(value)}\n".encode() + b"k" + value

    def start() -> CheckRecords:
        operator = CheckRecords(partial(StandInValidator, 0), dict, last_offers)
        operator.open(flink)
        return operator

    offer = json.dumps({"account": "a", "type": "offer.decided", "outcome": "made"}).encode()
    first = start()
    assert _sorted(first.process_element(packed(TRANSACTIONS, 0, _event(50)), flink)) == [HELLO]
    every_thousandth = packed(DECISIONS, 5, b'{"account": "a", "type": "points.earned"}')
    assert _sorted(first.process_element(every_thousandth, flink)) == []

    again = start()
    watermark = Watermark(0, 50)
    assert _sorted(again.process_element(packed(DECISIONS, 7, offer), flink)) == [
        HELLO,
        (_for_a(offer, None), BEFORE_ALL),
        (_for_a(_event(50), watermark), timestamp(watermark)),
    ]
    assert asked == [-1, 5], "the search goes back to what has been taken"


def test_the_ends_of_the_reference_topics_are_asked_for_at_every_start() -> None:
    """Flink's own restart, too: a fact that was published since the job was submitted must count."""
    flink = FakeFlink()
    first = Check(flink, {FRAUD_SIGNALS: {0: 0}})
    fact, watermark = json.dumps({"account": "a"}).encode(), Watermark(0, 50)
    assert first.take(FRAUD_SIGNALS, 0, fact) == [HELLO, (_for_a(fact, None), BEFORE_ALL)]
    assert first.take(TRANSACTIONS, 0, _event(50)) == [(_for_a(_event(50), watermark), timestamp(watermark))]

    again = Check(flink, {FRAUD_SIGNALS: {0: 1}})
    assert again.take(TRANSACTIONS, 1, _event(51)) == [HELLO, ("watermark", timestamp(watermark))]
    later = Watermark(0, 51)
    assert again.take(FRAUD_SIGNALS, 1, fact) == [
        (_for_a(fact, watermark), timestamp(watermark)),
        (_for_a(_event(51), later), timestamp(later)),
    ]


def _sorted(elements: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for output, value in elements:
        if output == TO_DOCUMENTS:
            assert value[1] == BEYOND
            found.append(("document", value[0]))
        elif output == TO_REFUSED:
            found.append(("refused", value[0]))
        else:
            (account, envelope), moment = value
            found.append(("watermark", moment) if account == NOBODY else (_opened(envelope), moment))
    return found


def _opened(packed: bytes) -> tuple[str, bytes | None, int | None, int]:
    """Account, value, watermark (ms), epoch."""
    envelope = unpack_envelope(packed)
    delivery = delivery_in(envelope)
    return envelope.account_id, delivery.record.value, delivery.watermark_ms, envelope.epoch


def _for_a(value: bytes, watermark: Watermark | None) -> tuple[str, bytes | None, int | None, int]:
    return ("a", value, None, 0) if watermark is None else ("a", value, watermark.ms, watermark.epoch)


def _event(at: int) -> bytes:
    return json.dumps({"account": "a", "at": at, "add": 1}).encode()


HELLO = ("document", b"")


def test_the_broadcast_is_greeted_first_and_every_event_carries_the_watermark_that_it_moved() -> None:
    check = Check(FakeFlink(), {})
    watermark = Watermark(0, 50)
    assert check.take(TRANSACTIONS, 0, _event(50)) == [
        HELLO,
        (_for_a(_event(50), watermark), timestamp(watermark)),
    ]
    assert check.tick() == [], "nothing has moved since"
    stepped_back = Watermark(1, 7)
    assert check.take(TRANSACTIONS, 0, _event(7), partition=1) == [
        (_for_a(_event(7), stepped_back), timestamp(stepped_back)),
    ]


def test_a_record_from_before_the_first_event_moves_no_watermark() -> None:
    check = Check(FakeFlink(), {})
    fact = json.dumps({"account": "a"}).encode()
    assert check.take(MEMBERS, 0, fact) == [HELLO, (_for_a(fact, None), BEFORE_ALL)]


def test_after_a_restart_the_watermark_is_sent_though_no_record_comes() -> None:
    flink = FakeFlink()
    Check(flink, {}).take(TRANSACTIONS, 0, _event(50))
    moments = {moment for domain, moment in flink.timers[""] if domain is WALL}
    assert moments == {1_001_000}, "once a second, at whole seconds"

    again = Check(flink, {})
    assert again.tick() == [HELLO, ("watermark", timestamp(Watermark(0, 50)))]
    assert again.tick() == []


def test_transactions_that_waited_go_on_after_a_restart_that_finds_nothing_missing() -> None:
    flink = FakeFlink()
    assert Check(flink, {MEMBERS: {0: 0}}).take(TRANSACTIONS, 0, _event(50)) == [HELLO]
    watermark = Watermark(0, 50)
    assert Check(flink, {}).tick() == [HELLO, (_for_a(_event(50), watermark), timestamp(watermark))]


def test_a_refused_record_that_lets_the_watermark_go_is_followed_by_it() -> None:
    check = Check(FakeFlink(), {TRANSACTIONS: {0: 0, 1: 0}})
    assert check.take(TRANSACTIONS, 0, _event(50)) == [HELLO, (_for_a(_event(50), None), BEFORE_ALL)]
    assert check.take(TRANSACTIONS, 0, b"no JSON", partition=1) == [
        ("refused", b"k"),
        ("watermark", timestamp(Watermark(0, 50))),
    ]


def test_the_intake_is_told_once_what_of_before_the_start_is_still_to_come() -> None:
    told: list[Mapping[int, int]] = []

    class Listener:
        def __init__(self, unread: Mapping[int, int]) -> None:
            told.append(unread)

        def take(self, entries: StateEntries, record: Record) -> Passed:
            return Ignored(None)

        def watermark(self, entries: StateEntries) -> Watermark | None:
            return None

    flink = FakeFlink()
    for _ in range(2):
        operator = CheckRecords(Listener, lambda: {TRANSACTIONS: {0: 0, 1: 3}}, _no_offers)
        operator.open(flink)
        list(operator.process_element(f"{TRANSACTIONS} 0 0 1 -1 -1\n".encode(), flink))
        list(operator.on_timer(0, flink))
    assert told == [{0: 0, 1: 3}, {1: 3}]


def test_an_event_that_the_intake_has_read_is_at_hand_once_for_a_decider_in_the_same_process() -> None:
    given: list[Any] = []

    class Validator(StandInValidator):
        def take(self, entries: StateEntries, record: Record) -> Passed:
            passed = super().take(entries, record)
            assert isinstance(passed, ForAccount)
            return passed._replace(event=cast("Transaction", "as it was read"))

    class Decider(StandInDecider):
        def receive(
            self, account_id: str, entries: StateEntries, delivery: Delivery, event: Transaction | None = None
        ) -> Verdict:
            given.append(event)
            return super().receive(account_id, entries, delivery, event)

    intake, decide = CheckRecords(partial(Validator, 0), dict, _no_offers), DecideForAccount(Decider())
    intake.open(FakeFlink())
    flink = FakeFlink()
    decide.open(flink)
    packed = f"{TRANSACTIONS} 0 0 1 -1 {len(_event(50))}\n".encode() + _event(50)
    *_, (_, ((flink.key, envelope), _)) = [
        sent for sent in intake.process_element(packed, FakeFlink()) if sent[0] == MAIN
    ]
    for _ in range(2):
        list(decide.process_element(envelope, flink))
    assert given == ["as it was read", None]
