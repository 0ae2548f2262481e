"""What an event costs does not grow with what came before it: counted in entries and bytes, not in seconds.

Each kind of thing that an account may have very many of is told twice: with some, and with four times as many. What the
next event reads and writes may then grow by the square root at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from loyalty.decider import Decider, Delivery
from loyalty.records import Record
from loyalty.state.account import MEMBERS_WITH_OFFERS_MAX
from loyalty.state.facts import SIGNALS_MAX
from loyalty.state.made_offers import OFFERS_MAX
from loyalty.times import format_time
from tests.domain.counting import CountingEntries
from tests.domain.story import RECEIVED, Story, at, codes

FEW, MANY = 700, 2_800

Tell = Callable[[int], tuple[str, dict[str, Any]]]
"""The event of this number, and its topic."""


OF_LATE = 64


class Cost(NamedTuple):
    """How many entries are touched, and how many bytes of them read and written."""

    entries: int
    bytes: int


class Busy:
    """An account of which very much is told, one record after the other."""

    def __init__(self, story: Story) -> None:
        self._decider = Decider()
        self._decider.program = story.program
        self._told = 0
        self.entries = CountingEntries()

    def tell(self, topic: str, event: dict[str, Any]) -> Cost:
        self._told += 1
        event = {"event_id": f"event-{self._told}", "schema_version": 1, "source": "test", "account_id": "acc", **event}
        record = Record(topic, 0, self._told, RECEIVED, b"acc", json.dumps(event).encode())
        self.entries.begin()
        assert self._decider.receive("acc", self.entries, Delivery(record)).dead_letters == []
        return Cost(self.entries.touched, self.entries.bytes)


def request(number: int) -> tuple[str, dict[str, Any]]:
    event = {"type": "redemption.requested", "occurred_at": format_time(at(ms=30_000 * number)), "channel": "store"}
    return "loyalty.transactions", event | {
        "member_id": "mia",
        "redemption_id": f"redemption-{number}",
        "reward_id": "mug",
        "points": 10,
    }


def refund_that_waits(number: int) -> tuple[str, dict[str, Any]]:
    event = {"type": "refund", "occurred_at": format_time(at(ms=5_000 * number)), "order_id": "not/known"}
    return "loyalty.transactions", event | {"lines": [{"line_id": "1", "quantity": 1}]}


def signal(number: int) -> tuple[str, dict[str, Any]]:
    """None of them says no more than another."""
    event = {"type": "fraud.signal", "occurred_at": format_time(at(ms=number)), "signal": f"signal-{number % 7}"}
    return "loyalty.fraud-signals", event | {"score": number % 100, "expires_at": format_time(at(30, ms=number))}


def consent(number: int) -> tuple[str, dict[str, Any]]:
    event = {"type": "member.consent", "occurred_at": format_time(at(ms=number)), "member_id": f"member-{number}"}
    return "loyalty.members", event | {"offers": True, "profiling": True}


def offer_to_one_member(number: int) -> tuple[str, dict[str, Any]]:
    return _offer(number, "mia")


def offer_to_another_member(number: int) -> tuple[str, dict[str, Any]]:
    return _offer(number, f"member-{number}")


def _offer(number: int, member_id: str) -> tuple[str, dict[str, Any]]:
    when = format_time(at(ms=number))
    return "loyalty.decisions", {
        "decision_id": f"decision-{number:032}",
        "stream": "offers",
        "sequence": 1,
        "type": "offer.decided",
        "outcome": "made",
        "member_id": member_id,
        "subject": {"offer_id": "bonus"},
        "occurred_at": when,
        "decided_at": when,
        "points": 0,
        "balance": {"pending": 0, "available": 0, "held": 0, "debt": 0, "qualifying": 0, "tier": "base"},
        "reasons": [{"code": "offered", "detail": "An offer.", "actual": None, "threshold": None}],
        "cause": {"event_id": "click", "topic": "loyalty.engagements", "partition": 0, "offset": 0},
        "rules": {"campaign/spring": 1},
        "evidence": {},
    }


KINDS: list[Tell] = [request, refund_that_waits, signal, consent, offer_to_one_member, offer_to_another_member]


@pytest.mark.parametrize("tell", KINDS, ids=lambda tell: str(tell.__name__))
def test_the_next_event_costs_about_the_same_however_many_there_were(tell: Tell) -> None:
    velocity = [{"name": "day", "max_requests": 3, "window_minutes": 1_440, "outcome": "review"}]
    busy = Busy(Story(fraud={"velocity": velocity}))
    few = _cost_of_the_last(busy, tell, range(FEW))
    many = _cost_of_the_last(busy, tell, range(FEW, MANY))
    assert many.bytes <= 2 * few.bytes
    assert many.entries <= 2 * few.entries


def _cost_of_the_last(busy: Busy, tell: Tell, numbers: range) -> Cost:
    """Of some dozens of events together: now and then one makes room for many."""
    costs = [busy.tell(*tell(number)) for number in numbers][-OF_LATE:]
    return Cost(sum(cost.entries for cost in costs), sum(cost.bytes for cost in costs))


def test_of_very_many_members_each_still_takes_up_the_offer_that_was_made_to_it() -> None:
    story = Story()
    story.campaign()
    for number in range(2 * MEMBERS_WITH_OFFERS_MAX):
        story.offered(f"decision-{number}", at(ms=number), member_id=f"member-{number}")
    for number in (0, 2 * MEMBERS_WITH_OFFERS_MAX - 1):
        decided = story.buys(f"order-{number}", 1_000, at(minutes=number + 1), member_id=f"member-{number}")
        assert "offer_bonus" in [code for decision in decided for code in codes(decision)]


def test_of_very_many_offers_to_one_member_the_latest_that_are_open_are_remembered() -> None:
    story = Story()
    story.campaign()
    for number in range(OFFERS_MAX + 50):
        story.offered(f"decision-{number}", at(ms=number))
    decided = story.buys("order", 1_000, at(minutes=1))
    assert [code for decision in decided for code in codes(decision)].count("offer_bonus") == OFFERS_MAX


def test_of_very_many_signals_those_that_expire_last_are_remembered() -> None:
    story = Story(fraud={"deny_score": 90})
    for number in range(2 * SIGNALS_MAX):
        story.signal(95, at(ms=number), at(1, ms=number), signal=f"signal-{number}")
    story.reward("mug", 10)
    story.buys("order", 10_000, at(minutes=1))
    decided = story.requests("redemption", 10, at(minutes=2))[0]
    assert len(decided["reasons"]) == SIGNALS_MAX
