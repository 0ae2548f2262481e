"""The operators of the offers job without Flink: what waits for what, and what a restart finds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pyflink.datastream import TimeDomain

from jobs.operators.check_engagements import TO_DOCUMENTS, TO_PAST_OFFERS, TO_REFUSED, CheckEngagements
from jobs.operators.make_offers import GO, MATCHED, PUBLISHED, MakeOffers, number_of, numbered, to_maker
from jobs.operators.make_offers import REFUSED as DEAD
from jobs.operators.match_campaigns import MatchCampaigns
from jobs.operators.start_barrier import StartOffsets
from jobs.runtime.packing import pack_document, pack_envelope, unpack_envelope
from jobs.topics import DECISIONS, ENGAGEMENTS, MEMBERS
from tests.jobs.fakes import FakeFlink
from tests.jobs.standin import document
from tests.jobs.standin_offers import BUDGET, StandInEngagementValidator, StandInMaker, StandInMatcher


class Check:
    """`CheckEngagements` between fakes; gathers where each element goes."""

    def __init__(self, flink: FakeFlink, start_offsets: StartOffsets) -> None:
        self.flink = flink
        self.asked = 0

        def ask() -> StartOffsets:
            self.asked += 1
            return start_offsets

        self.operator = CheckEngagements(StandInEngagementValidator(), ask)
        self.operator.open(flink)

    def take(self, topic: str, offset: int, value: bytes) -> list[Any]:
        packed = f"{topic} 0 {offset} 1700000000000 1 {len(value)}\n".encode() + b"k" + value
        return _sorted(self.operator.process_element(packed, self.flink))

    def tick(self) -> list[Any]:
        return _sorted(self.operator.on_timer(0, self.flink))


def _sorted(elements: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for output, value in elements:
        if output == TO_PAST_OFFERS:
            assert value[0] == 0
            found.append("go" if value[1] == GO else ("published", value[1][1:]))
        elif output == TO_DOCUMENTS:
            found.append(("document", value))
        elif output == TO_REFUSED:
            found.append(("refused", value[0]))
        else:
            account, packed = value
            envelope = unpack_envelope(packed)
            found.append((account, *number_of(envelope.payload), envelope.documents))
    return found


def _event(number: int, **more: Any) -> bytes:
    return json.dumps({"account": "a", "id": str(number), **more}).encode()


def test_engagements_wait_for_the_published_offers_and_go_is_said_behind_those() -> None:
    check = Check(FakeFlink(), {DECISIONS: {0: 1}, MEMBERS: {}})
    assert check.take(ENGAGEMENTS, 0, _event(1)) == []
    assert check.take(DECISIONS, 0, _event(7)) == [("published", _event(7))]
    # The engagement goes another way, so it may come before; it says that one offer more was accepted before it.
    assert check.take(DECISIONS, 1, _event(8)) == [("published", _event(8)), ("a", 2, _event(1), 0), "go"]
    assert check.take(ENGAGEMENTS, 1, _event(2)) == [("a", 2, _event(2), 0)]


def test_the_end_of_the_topics_is_asked_for_at_every_start_and_go_is_said_though_no_record_comes() -> None:
    flink = FakeFlink()
    first = Check(flink, {DECISIONS: {0: 0}})
    first.take(DECISIONS, 0, _event(7))
    first.take(ENGAGEMENTS, 0, _event(1))
    assert first.asked == 1
    assert {domain for domain, _ in flink.timers[""]} == {TimeDomain.PROCESSING_TIME}

    again = Check(flink, {DECISIONS: {0: 1}})
    assert again.tick() == [], "another offer was published since: it has to come first"
    assert again.take(ENGAGEMENTS, 1, _event(2)) == []
    assert again.take(DECISIONS, 1, _event(8)) == [("published", _event(8)), ("a", 2, _event(2), 0), "go"]
    assert again.asked == 1

    third = Check(flink, {DECISIONS: {0: 1}})
    assert third.tick() == ["go"]
    assert third.tick() == []


def test_documents_and_refused_records_go_their_own_ways() -> None:
    check = Check(FakeFlink(), {})
    assert check.take("loyalty.program", 0, b"first") == ["go", ("document", pack_document(1, b"first"))]
    assert check.take(ENGAGEMENTS, 0, b"no JSON") == [("refused", b"k")]
    assert check.take(ENGAGEMENTS, 1, _event(1)) == [("a", 0, _event(1), 1)]


class Match:
    """`MatchCampaigns` between fakes."""

    def __init__(self, flink: FakeFlink) -> None:
        self.flink = flink
        self.operator = MatchCampaigns(StandInMatcher())
        self.operator.open(flink)

    def receive(self, event: bytes, documents: int, published: int = 0) -> list[Any]:
        envelope = pack_envelope("a", documents, 0, numbered(published, event))
        return [value for _, value in self.operator.process_element(envelope, self.flink)]


def test_an_engagement_waits_for_the_documents_that_were_accepted_before_it() -> None:
    flink = FakeFlink()
    match = Match(flink)
    flink.key = "a"
    assert match.receive(_event(1), documents=1, published=3) == []
    list(match.operator.process_broadcast_element(pack_document(1, document(1)), flink))
    flink.domain = TimeDomain.PROCESSING_TIME
    ((_, found),) = match.operator.on_timer(0, flink)
    assert found[1] == MATCHED + numbered(3, json.dumps({"account": "a", "id": "1", "documents": 1}).encode())


def test_a_dead_letter_of_the_matcher_is_handed_on_with_its_key_null_or_not() -> None:
    flink = FakeFlink()
    flink.key = "a"
    refused = Match(flink).receive(_event(1, refuse=True), documents=0)
    assert [element[1][:1] for element in refused] == [DEAD, DEAD]
    make = Make(flink)
    assert [make.raw(element[1]) for element in refused] == [
        [(1, None, b'{"reason":"refused"}')],
        [(1, b"", b'{"reason":"twice"}')],
    ]


class Make:
    """`MakeOffers` between fakes; what it decides is gathered as (id, points)."""

    def __init__(self, flink: FakeFlink) -> None:
        self.flink = flink
        self.operator = MakeOffers(StandInMaker())
        self.operator.open(flink)

    def raw(self, element: bytes) -> list[Any]:
        return [value for _, value in self.operator.process_element(element, self.flink)]

    def _decided(self, element: bytes) -> list[tuple[str, int]]:
        decided = [json.loads(value) for _, _, value in self.raw(element)]
        return [(decision["id"], decision["points"]) for decision in decided]

    def go(self) -> list[tuple[str, int]]:
        return self._decided(to_maker(GO)[1])

    def learn(self, number: int, points: int) -> list[tuple[str, int]]:
        return self._decided(to_maker(PUBLISHED, _event(number, points=points))[1])

    def engage(self, number: int, published: int = 0) -> list[tuple[str, int]]:
        return self._decided(to_maker(MATCHED, numbered(published, _event(number)))[1])


def test_nothing_is_decided_before_go_and_then_in_the_order_of_arrival() -> None:
    make = Make(FakeFlink())
    assert make.engage(1) == []
    assert make.engage(2) == []
    assert make.go() == [("1", 1), ("2", 1)]
    assert make.engage(3) == [("3", 1)]


def test_an_engagement_waits_for_the_facts_that_were_accepted_before_it_and_those_behind_it_wait_too() -> None:
    make = Make(FakeFlink())
    make.go()
    assert make.engage(1, published=1) == []
    assert make.engage(2) == []
    assert make.learn(7, 1) == [("1", 1), ("2", 1)]
    assert [name for name in make.flink.entries("") if name.startswith("@")] == ["@published"]


def test_after_a_restart_what_was_published_beyond_the_checkpoint_uses_the_budget_before_what_waited() -> None:
    flink = FakeFlink()
    before = Make(flink)
    before.go()
    assert before.engage(1, published=1) == [], "it waits when the checkpoint is made"

    again = Make(flink)
    assert again.learn(2, BUDGET) == [], "another instance's engagement had come first, and used all of the budget"
    assert again.learn(1, 0) == []
    assert again.go() == [], "the one that waited had been decided as well: nobody decides it twice"
    assert again.engage(3, published=2) == [("3", 0)]
