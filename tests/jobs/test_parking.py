"""What the domain fails at parks one account, or one member: the others go on, and nothing is lost or out of order."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import pytest
from pyflink.datastream import TimeDomain

from bench.operator_in_memory import InMemoryOperator
from jobs.operators import adapters
from jobs.operators.adapters import in_an_envelope
from jobs.operators.check_engagements import TO_REFUSED as ENGAGEMENT_REFUSED
from jobs.operators.check_engagements import CheckEngagements
from jobs.operators.check_records import TO_REFUSED, CheckRecords
from jobs.operators.decide_for_account import FIRE_AGAIN_MS, DecideForAccount
from jobs.operators.make_offers import GO, MakeOffers, numbered, to_maker
from jobs.operators.match_campaigns import MatchCampaigns
from jobs.operators.parking import PARKS
from jobs.runtime.packing import pack_document, pack_envelope
from jobs.runtime.state_entries import StateNotThere
from jobs.runtime.tables import TO_DEAD_LETTERS
from jobs.runtime.virtual_time import virtual
from loyalty.decider import Decider, Delivery, Verdict
from loyalty.offers.making import OfferMaker
from loyalty.offers.matching import ENGAGED, Engaged, Matcher
from loyalty.records import Record
from loyalty.state.codec import StateEntries, UnknownEntryVersion
from loyalty.validation import Document, ForAccount, Validator, Watermark
from loyalty.wire import transactions
from loyalty.wire.engagements import TOPIC as ENGAGEMENTS
from loyalty.wire.events import Transaction
from tests.domain.story import EARNING, FRAUD, REDEMPTION, TIERS, campaign_body
from tests.jobs.fakes import FakeFlink
from tests.jobs.standin import BALANCE, StandInDecider, StandInValidator, document
from tests.jobs.standin_offers import StandInEngagementValidator

HOUR = "2026-03-01T{:02}:00:00.000Z"


class Breakable(StandInDecider):
    """Writes half of a record and fails, while it is broken and the record says `breaks`."""

    def __init__(self, problem: type[Exception] = ZeroDivisionError) -> None:
        super().__init__()
        self.broken = True
        self.problem = problem
        self.cannot_fire = False

    def receive(
        self, account_id: str, entries: StateEntries, delivery: Delivery, event: Transaction | None = None
    ) -> Verdict:
        if self.broken and b"breaks" in (delivery.record.value or b""):
            entries.put(BALANCE, b"half")
            entries.put("other", b"half")
            raise self.problem("Ada Lovelace")
        return super().receive(account_id, entries, delivery, event)

    def fire(self, account_id: str, entries: StateEntries, watermark_ms: int) -> Verdict:
        if self.cannot_fire:
            entries.put(BALANCE, b"half")
            raise self.problem
        return super().fire(account_id, entries, watermark_ms)


class Accounts:
    """`DecideForAccount` between fakes: what it says of each record is (kind, at), or the offset of a dead letter."""

    def __init__(self, decider: Breakable, flink: FakeFlink | None = None) -> None:
        self.flink = flink or FakeFlink()
        self.decider = decider
        self.operator = DecideForAccount(decider)
        self.operator.open(self.flink)
        self.letters: list[dict[str, Any]] = []

    def receive(self, account: str, offset: int, at: int, documents: int = 0, **more: Any) -> list[Any]:
        event = {"account": account, "event_id": f"{account}-{at}", "at": at, "add": 1, **more}
        record = Record(transactions.TOPIC, 0, offset, 0, account.encode(), json.dumps(event).encode())
        delivery = Delivery(record, watermark_ms=at - 100 + offset)
        self.flink.key = account
        packed = in_an_envelope(ForAccount(account, delivery, documents, None))
        return self.said(self.operator.process_element(packed, self.flink))

    def wake(self, account: str, domain: TimeDomain) -> list[Any]:
        ((_, moment),) = [one for one in self.flink.timers[account] if one[0] is domain]
        self.flink.timers[account].remove((domain, moment))
        self.flink.key, self.flink.domain = account, domain
        return self.said(self.operator.on_timer(moment, self.flink))

    def said(self, sent: Any) -> list[Any]:
        found: list[Any] = []
        for _, (destination, _, value) in sent:
            content = json.loads(value)
            if destination == TO_DEAD_LETTERS:
                self.letters.append(content)
                found.append(content["offset"])
            else:
                found.append((content["kind"], content["at"]))
        return found

    def balance(self, account: str) -> Any:
        return json.loads(self.flink.entries(account)[BALANCE])


def test_what_the_domain_fails_at_becomes_a_dead_letter_and_the_others_go_on() -> None:
    accounts = Accounts(Breakable())
    assert accounts.receive("a", 0, 10) == [("added", 10)]
    before = accounts.balance("a")
    assert accounts.receive("a", 1, 20, breaks=True) == [1]
    assert accounts.balance("a") == before, "what was written of it is taken back"
    assert "other" not in accounts.flink.entries("a")
    assert accounts.receive("a", 2, 30) == [], "what comes for it waits"
    assert accounts.receive("b", 3, 40) == [("added", 40)]
    (letter,) = accounts.letters
    assert letter["reason"] == "schema_violation"
    assert PARKS in letter["detail"]
    assert "ZeroDivisionError" in letter["detail"]
    assert "Ada" not in letter["detail"]
    assert json.loads(base64.b64decode(letter["value_base64"]))["at"] == 20
    assert accounts.flink.timers["a"] == set(), "nobody looks again and again"


def test_the_record_sent_again_is_decided_in_its_place_and_those_behind_it_follow_in_order() -> None:
    accounts = Accounts(Breakable())
    accounts.receive("a", 1, 20, breaks=True)
    accounts.receive("a", 2, 30)
    accounts.receive("a", 3, 40, later={"at": 45, "add": 1})

    again = Accounts(Breakable(), accounts.flink)
    assert again.receive("a", 4, 50) == [], "after a restart it is parked still"
    assert again.receive("a", 5, 20, breaks=True) == [5], "it fails again: another dead letter, and it stays parked"
    again.decider.broken = False
    again.flink.watermark = virtual(Watermark(0, 60))
    assert again.receive("a", 6, 20, breaks=True) == [
        ("added", 20),
        ("added", 30),
        ("added", 40),
        ("due", 45),
        ("added", 50),
    ]
    assert again.receive("a", 7, 70) == [("added", 70)]
    assert [name for name in again.flink.entries("a") if name.startswith("@")] == []


def test_a_repaired_record_of_the_same_event_takes_the_place_too() -> None:
    accounts = Accounts(Breakable())
    accounts.receive("a", 1, 20, breaks=True)
    accounts.receive("a", 2, 30)
    assert accounts.receive("a", 3, 20) == [("added", 20), ("added", 30)]


def test_an_account_that_waits_for_documents_is_parked_in_its_turn() -> None:
    accounts = Accounts(Breakable())
    accounts.receive("a", 1, 20, documents=1, breaks=True)
    accounts.receive("a", 2, 30)
    list(accounts.operator.process_broadcast_element(pack_document(1, document(1)), accounts.flink))
    assert accounts.wake("a", TimeDomain.PROCESSING_TIME) == [1]
    assert accounts.receive("a", 3, 40) == []
    assert accounts.receive("a", 4, 20) == [("added", 20), ("added", 30), ("added", 40)]


def test_what_is_due_and_fails_is_tried_again_and_the_next_record_parks_the_account() -> None:
    accounts = Accounts(Breakable())
    accounts.receive("a", 1, 20, later={"at": 45, "add": 1})
    before = accounts.balance("a")
    accounts.decider.cannot_fire = True
    accounts.flink.watermark = virtual(Watermark(0, 60))
    assert accounts.wake("a", TimeDomain.EVENT_TIME) == []
    assert accounts.balance("a") == before
    assert accounts.flink.timers["a"] == {(TimeDomain.PROCESSING_TIME, accounts.flink.wall_ms + FIRE_AGAIN_MS)}
    accounts.decider.cannot_fire = False
    assert accounts.wake("a", TimeDomain.PROCESSING_TIME) == [("due", 45)]


@pytest.mark.parametrize("problem", [StateNotThere, UnknownEntryVersion, MemoryError])
def test_what_is_of_no_account_fails_the_job(problem: type[Exception]) -> None:
    with pytest.raises(problem):
        Accounts(Breakable(problem)).receive("a", 1, 20, breaks=True)


def test_a_decision_that_its_topic_would_refuse_parks_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts(Breakable())
    monkeypatch.setattr(adapters, "OUTPUT_BYTES_MAX", 60)
    assert accounts.receive("a", 1, 20) == [1]
    assert "TooLargeForTopic" in accounts.letters[0]["detail"]
    monkeypatch.undo()
    assert accounts.receive("a", 2, 20) == [("added", 20)]


class CannotCheck(StandInValidator, StandInEngagementValidator):
    def take(self, entries: StateEntries, record: Record) -> Any:
        if record.value == b"hostile":
            raise RecursionError
        if record.value == b"no state":
            raise StateNotThere
        return None


@pytest.mark.parametrize(
    "operator",
    [CheckRecords(partial(CannotCheck, 0), dict, lambda taken: {}), CheckEngagements(CannotCheck(0, {}), dict)],
    ids=["transactions", "engagements"],
)
def test_a_record_that_cannot_be_checked_is_a_dead_letter_and_stops_nothing(operator: Any) -> None:
    flink = FakeFlink()
    operator.open(flink)

    def take(offset: int, value: bytes) -> list[Any]:
        packed = f"loyalty.members 0 {offset} 1700000000000 1 {len(value)}\n".encode() + b"k" + value
        return [sent for output, sent in operator.process_element(packed, flink) if output == operator_refuses]

    operator_refuses = TO_REFUSED if isinstance(operator, CheckRecords) else ENGAGEMENT_REFUSED
    assert take(0, b"sound") == []
    ((key, letter),) = take(1, b"hostile")
    assert (key, json.loads(letter)["reason"], json.loads(letter)["offset"]) == (b"k", "schema_violation", 1)
    assert PARKS not in json.loads(letter)["detail"]
    assert take(2, b"sound") == []
    with pytest.raises(StateNotThere):
        take(3, b"no state")


class Scribe:
    """Writes each element down, then takes back those that say so."""

    def open(self, runtime_context: Any) -> None:
        self._entries = runtime_context.get_map_state(None)

    def process_element(self, value: bytes, ctx: Any) -> Any:
        if value == b"read":
            self._entries.get("last")
        self._entries.mark()
        self._entries.put("last", value)
        self._entries.put(value.decode(), value)
        self._entries.remove("gone")
        if value.startswith(b"-"):
            self._entries.take_back()
        return ()

    def on_timer(self, timestamp: int, ctx: Any) -> Any:
        return ()


def test_in_a_batch_only_what_was_written_since_the_mark_is_taken_back() -> None:
    jvm = InMemoryOperator(Scribe(), ("first",))
    jvm.state["a"] = {"last": b"0", "gone": b"x"}
    elements = [b"-1", b"2", b"-3", b"read", b"-4"]
    jvm.cross(["a"] * len(elements), elements)
    assert jvm.state["a"] == {"last": b"read", "2": b"2", "read": b"read"}
    jvm.state["b"] = {"last": b"0", "gone": b"x"}
    jvm.cross(["b", "a"], [b"-5", b"6"])
    assert jvm.state["b"] == {"last": b"0", "gone": b"x"}
    assert jvm.state["a"]["last"] == b"6"


# -- the real domain, failing wherever it may


class FailsAt:
    """State entries that fail at one access, once."""

    def __init__(self, entries: Any) -> None:
        self._entries = entries
        self.left: int | None = None
        self.failed = False

    def get(self, name: str) -> bytes | None:
        self._count()
        found: bytes | None = self._entries.get(name)
        return found

    def put(self, name: str, entry: bytes) -> None:
        self._count()
        self._entries.put(name, entry)

    def remove(self, name: str) -> None:
        self._count()
        self._entries.remove(name)

    def _count(self) -> None:
        if self.left is not None and not self.failed:
            self.left -= 1
            if self.left < 0:
                self.failed = True
                raise ValueError("by chance")


class FallibleDecider(Decider):
    """The domain, whose `failing`th access to state since the test began fails."""

    def __init__(self, failing: int | None) -> None:
        super().__init__()
        self._fails = FailsAt(None)
        self._fails.left = failing

    def receive(
        self, account_id: str, entries: StateEntries, delivery: Delivery, event: Transaction | None = None
    ) -> Verdict:
        self._fails._entries = entries
        return super().receive(account_id, self._fails, delivery, event)

    @property
    def has_failed(self) -> bool:
        return self._fails.failed


def _event(kind: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"{kind}-{number}",
        "type": kind,
        "schema_version": 1,
        "source": "test",
        "occurred_at": HOUR.format(number),
        "account_id": "acc",
        **more,
    }


def _purchase(number: int, amount: int) -> dict[str, Any]:
    line = {"line_id": "1", "sku": "s", "category": "c", "quantity": 2, "amount": amount}
    more: dict[str, Any] = {"member_id": "mia", "order_id": f"o{number}", "channel": "web", "currency": "EUR"}
    return _event("purchase", number, lines=[line], **more)


def _transactions() -> list[dict[str, Any]]:
    request: dict[str, Any] = {"member_id": "mia", "redemption_id": "r", "reward_id": "mug", "points": 20}
    return [
        _purchase(1, 9_000),
        _event("refund", 2, order_id="o3", lines=[{"line_id": "1", "quantity": 1}]),
        _purchase(3, 30_000),
        _event("redemption.requested", 4, **request, channel="store"),
        _event("refund", 5, order_id="o1", lines=[{"line_id": "1", "quantity": 1}]),
        _event("redemption.committed", 6, redemption_id="r"),
        _event("cancellation", 7, order_id="o3"),
        _purchase(8, 500),
    ]


def _documents() -> list[tuple[str, dict[str, Any]]]:
    standing: dict[str, dict[str, Any]] = {
        "earning": EARNING,
        "tiers": TIERS,
        "redemption": {**REDEMPTION, "hold_minutes": 600},
        "fraud": FRAUD,
    }
    found = []
    for name, body in {**standing, "reward/mug": {"points": 20, "active": True}}.items():
        event = {"event_id": name, "type": "program.document", "schema_version": 1, "source": "test"}
        event |= {"occurred_at": HOUR.format(0), "document": name, "version": 1}
        found.append((f"{name}@1", {**event, "effective_from": "2026-01-01T00:00:00.000Z", "body": body}))
    return found


def _decided(failing: int | None) -> tuple[list[dict[str, Any]], bool]:
    """What the real domain decides of these, with what failed sent again at the end; and whether something did."""
    flink, validator = FakeFlink(), Validator(600_000, {})
    decider = FallibleDecider(failing)
    operator = DecideForAccount(decider, now=lambda: 0)
    operator.open(flink)
    intake = FakeFlink().get_map_state(None)
    decisions: list[dict[str, Any]] = []
    letters: list[dict[str, Any]] = []

    def read(topic: str, offset: int, key: bytes, value: bytes) -> None:
        passed = validator.take(intake, Record(topic, 0, offset, 4_000_000_000_000, key, value))
        if isinstance(passed, Document):
            list(operator.process_broadcast_element(pack_document(passed.position, passed.value), flink))
            return
        assert isinstance(passed, ForAccount)
        flink.key = "acc"
        for _, (destination, _, content) in operator.process_element(in_an_envelope(passed), flink):
            (letters if destination == TO_DEAD_LETTERS else decisions).append(json.loads(content))

    for place, (key, event) in enumerate(_documents()):
        read("loyalty.program", place, key.encode(), json.dumps(event).encode())
    told = _transactions()
    for place, event in enumerate(told):
        read(transactions.TOPIC, place, b"acc", json.dumps(event).encode())
    for letter in list(letters):
        read(transactions.TOPIC, len(told), b"acc", base64.b64decode(letter["value_base64"]))
    assert len(letters) == decider.has_failed
    return decisions, decider.has_failed


def _without_places(decisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for decision in decisions:
        del decision["cause"]["partition"], decision["cause"]["offset"]
    return decisions


def test_wherever_the_domain_fails_the_same_is_decided_once_its_record_is_sent_again() -> None:
    expected = _without_places(_decided(None)[0])
    assert len(expected) > 12
    failing, failed = 0, True
    while failed:
        decisions, failed = _decided(failing)
        assert _without_places(decisions) == expected, f"access {failing} failed"
        failing += 1
    assert failing > 40


# -- the offers job


class BreakableMaker(OfferMaker):
    broken = False

    def settle(self, entries: StateEntries, matched: bytes) -> Any:
        made = super().settle(entries, matched)
        if self.broken and b"poison" in matched:
            raise ZeroDivisionError
        return made


class Loop:
    """`MatchCampaigns` and `MakeOffers` between fakes, with the real domain; one campaign with a budget of 500."""

    def __init__(self) -> None:
        self.matching, self.making = FakeFlink(), FakeFlink()
        self.matcher = MatchCampaigns(Matcher())
        self.matcher.open(self.matching)
        for place, (name, body) in enumerate((("tiers", TIERS), ("campaign/spring", campaign_body({})))):
            event = {"event_id": name, "type": "program.document", "schema_version": 1, "source": "test"}
            event |= {"occurred_at": HOUR.format(0), "document": name, "version": 1}
            value = json.dumps({**event, "effective_from": "2025-01-01T00:00:00.000Z", "body": body}).encode()
            list(self.matcher.process_broadcast_element(pack_document(place + 1, value), self.matching))
        self.maker = BreakableMaker()
        self.start()

    def start(self, go: bool = True) -> None:
        """A start, or a restart."""
        self.operator = MakeOffers(self.maker)
        self.operator.open(self.making)
        if go:
            self.said(to_maker(GO))

    def said(self, element: Any) -> list[str]:
        found = []
        for _, (destination, key, value) in self.operator.process_element(element[1], self.making):
            content = json.loads(value)
            if destination == TO_DEAD_LETTERS:
                found.append(f"dead {content['offset']} {key.decode()}")
                assert PARKS in content["detail"]
            else:
                cause = content["cause"]
                found.append(f"{content['sequence']} {cause['event_id']} at {cause['offset']}")
        return found

    def click(self, offset: int, event_id: str, member: str = "mia") -> list[str]:
        at = 1_772_000_000_000 + offset
        record = Record(ENGAGEMENTS, 0, offset, at, member.encode(), event_id.encode().join((b'{"id":"', b'"}')))
        event = Engaged(event_id, member, "click", 1_772_000_000_000, record)
        self.matching.key = "acc"
        envelope = pack_envelope("acc", 2, 0, numbered(0, ENGAGED.write(event)))
        sent = list(self.matcher.process_element(envelope, self.matching))
        return [line for _, element in sent for line in self.said(element)]


def test_a_member_that_the_domain_fails_for_is_parked_and_the_others_go_on() -> None:
    loop = Loop()
    assert loop.click(0, "e0") == ["1 e0 at 0"]
    loop.maker.broken = True
    assert loop.click(1, "poison") == ["dead 1 mia"]
    assert loop.click(2, "e2") == []
    assert loop.click(3, "e3", member="max") == ["1 e3 at 3"]
    loop.start()
    assert loop.click(4, "e4") == [], "after a restart it is parked still"
    assert loop.click(5, "poison") == ["dead 5 mia"]
    loop.maker.broken = False
    assert loop.click(6, "poison") == ["2 poison at 6", "3 e2 at 2", "4 e4 at 4"]
    assert loop.click(7, "e7") == ["5 e7 at 7"]
    assert [name for name in loop.making.entries("") if name.startswith("@")] == []


def test_word_of_an_engagement_sent_again_waits_until_the_job_may_go_on() -> None:
    loop = Loop()
    loop.maker.broken = True
    loop.click(1, "poison")
    loop.maker.broken = False
    loop.start(go=False)
    assert loop.click(2, "poison") == []
    assert loop.said(to_maker(GO)) == ["1 poison at 2"]


def test_an_engagement_that_the_matcher_fails_at_parks_its_account() -> None:
    loop = Loop()
    ledger = loop.matching.entries("acc")
    ledger["ledger"] = b"\x01\xc1"
    assert loop.click(1, "e1") == ["dead 1 mia"]
    assert loop.click(2, "e2") == []
    del ledger["ledger"]
    assert loop.click(3, "e1") == ["1 e1 at 3", "2 e2 at 2"]
