"""A proof finds and names whatever was done to published decisions, and nothing where nothing was."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from loyalty.program import Program
from loyalty.proof.anchors import Anchor, anchor, compare
from loyalty.proof.findings import Finding, Kind
from loyalty.proof.first_reading import FirstReading, Read
from loyalty.proof.second_reading import SecondReading, together
from loyalty.proof.streams import Scope
from loyalty.records import Record
from loyalty.wire.decisions import Plain
from loyalty.wire.json import to_json
from loyalty.wire.sealing import NO_SEAL, seal_of
from tests.domain.offer_story import OfferStory
from tests.domain.story import Story, at

WHOLE = Scope()
LATER = "2099-01-01T00:00:00.000Z"


@pytest.fixture
def story() -> Story:
    """A dozen decisions of `acc`: earned, released, reversed, redeemed, and a tier."""
    story = Story(earning={"pending_days": 1})
    story.reward("mug", 50)
    story.buys("o1", 12_000, at())
    story.buys("o2", 9_000, at(1))
    story.refunds("o2", at(1, hours=2))
    story.requests("r1", 50, at(2))
    story.commits("r1", at(2, minutes=5))
    story.requests("r2", 51, at(2, hours=1))
    story.adjusts(-20, at(3))
    return story


def published(decisions: Iterable[Plain], partition: int = 0) -> list[Record]:
    """Decisions as their topic holds them."""
    complete = [{**one, "decided_at": one["decided_at"] or one["occurred_at"]} for one in decisions]
    return [
        Record("loyalty.decisions", partition, offset, 0, one["account_id"].encode(), to_json(one))
        for offset, one in enumerate(complete)
    ]


def plain(story: Story) -> list[Plain]:
    return [json.loads(to_json(decision)) for decision in story.decisions]


def sealed_anew(decisions: list[Plain]) -> list[Plain]:
    """As somebody would seal them who knows how."""
    seal, again = NO_SEAL, []
    for number, decision in enumerate(decisions, start=1):
        decision = {**decision, "sequence": number}
        seal = seal_of(seal, decision)
        again.append(decision | {"seal": seal.hex()})
    return again


def read(records: Iterable[Record], program: Program | None, scope: Scope = WHOLE) -> Read:
    first = FirstReading(program, scope)
    for record in records:
        first.take(record)
    return first.outcome()


def found(records: Iterable[Record], program: Program | None, scope: Scope = WHOLE) -> list[Finding]:
    records = list(records)
    first = read(records, program, scope)
    second = SecondReading(together([first.doubts]))
    for record in records:
        second.take(record)
    return [*first.findings, *second.findings()]


def kinds(findings: list[Finding]) -> list[Kind]:
    return [finding.kind for finding in findings]


def test_what_was_decided_is_sound_and_every_decision_is_decided_again(story: Story) -> None:
    decisions = plain(story)
    assert found(published(decisions), story.program) == []
    counts = read(published(decisions), story.program).counts
    assert counts["decisions"] == counts["again"] == len(decisions) >= 10
    assert counts["streams"] == 1


def test_another_outcome_than_the_evidence_leads_to_is_named(story: Story) -> None:
    decisions = plain(story)
    number = next(at for at, one in enumerate(decisions) if one["outcome"] == "denied")
    decisions[number]["outcome"] = "approved"
    findings = found(published(decisions), story.program)
    assert kinds(findings) == [Kind.OTHERWISE, Kind.EDITED]
    assert "It says outcome 'approved', and its evidence leads to 'denied'" in findings[0].sentence
    assert findings[0].at == (0, number)


def test_a_change_that_evidence_says_nothing_of_breaks_the_seal(story: Story) -> None:
    decisions = plain(story)
    decisions[3]["member_id"] = "max"
    findings = found(published(decisions), story.program)
    assert kinds(findings) == [Kind.EDITED]
    assert findings[0].sentence.startswith(f"Decision 4 of account acc ({decisions[3]['decision_id']})")


def test_a_change_with_a_new_seal_breaks_the_chain_behind_it(story: Story) -> None:
    decisions = plain(story)
    decisions[3]["member_id"] = "max"
    decisions[3] = sealed_anew(decisions[:4])[3]
    findings = found(published(decisions), story.program)
    assert kinds(findings) == [Kind.EDITED]
    assert findings[0].at == (0, 4)


def test_a_seal_that_was_taken_off_is_named(story: Story) -> None:
    decisions = plain(story)
    del decisions[3]["seal"]
    findings = found(published(decisions), story.program)
    assert findings[0].sentence.endswith("has no seal, and the one before it has one.")


def test_points_that_do_not_add_up_are_named(story: Story) -> None:
    decisions = plain(story)
    decisions[2]["balance"]["available"] += 7
    findings = found(published(sealed_anew(decisions)), story.program)
    assert kinds(findings) == [Kind.UNBALANCED]
    assert "does not add up" in findings[0].sentence


@pytest.mark.parametrize(
    ("first", "last", "said"), [(4, 4, "Decision 4 of account acc is not there"), (1, 3, "Decisions 1 to 3")]
)
def test_decisions_that_were_dropped_are_named(story: Story, first: int, last: int, said: str) -> None:
    decisions = plain(story)
    findings = found(published(decisions[: first - 1] + decisions[last:]), story.program)
    assert kinds(findings) == [Kind.DROPPED]
    assert findings[0].sentence.startswith(said)


def test_two_decisions_that_were_swapped_are_named(story: Story) -> None:
    decisions = plain(story)
    decisions[3], decisions[4] = decisions[4], decisions[3]
    findings = found(published(decisions), story.program)
    assert kinds(findings) == [Kind.SWAPPED]
    assert "Decision 4 of account acc" in findings[0].sentence


def test_a_decision_repeated_by_delivery_is_counted_and_not_wrong(story: Story) -> None:
    decisions = plain(story)
    again = [{**one, "decided_at": LATER} for one in decisions[-3:]]
    assert found(published([*decisions, *again]), story.program) == []
    assert read(published([*decisions, *again]), story.program).counts["repeated"] == 3


def test_a_decision_repeated_with_other_content_is_named(story: Story) -> None:
    decisions = plain(story)
    forged = {**decisions[2], "member_id": "max"}
    findings = found(published([*decisions, forged]), story.program)
    assert kinds(findings) == [Kind.REPEATED]
    assert findings[0].at == (0, len(decisions))
    assert "is there again with another content than at 0:2" in findings[0].sentence


def test_what_is_no_decision_and_what_is_under_another_key_is_named(story: Story) -> None:
    records = published(plain(story))
    foreign = Record("loyalty.decisions", 0, 99, 0, b"acc", b'{"type": "purchase"}')
    misplaced = Record("loyalty.decisions", 0, 0, 0, b"else", records[0].value)
    findings = found([misplaced, *records[1:], foreign], story.program)
    assert kinds(findings) == [Kind.MISPLACED, Kind.UNREADABLE]
    assert findings[1].sentence == "The field decision_id is missing."


def test_a_sequence_that_no_decision_has_does_not_pass_for_a_repeated_one(story: Story) -> None:
    decisions = plain(story)
    findings = found(published([*decisions, decisions[0] | {"sequence": 0}]), story.program)
    assert [one.sentence for one in findings if one.kind == Kind.UNREADABLE] == [
        "The field sequence should be greater than or equal to 1, not 0."
    ]


def test_decisions_of_the_first_edition_are_counted_and_seals_begin_behind_them(story: Story) -> None:
    decisions = plain(story)
    old = [{**one, "evidence": {}} for one in decisions[:3]]
    for one in old:
        del one["seal"]
    seal, new = NO_SEAL, []
    for one in decisions[3:]:
        seal = seal_of(seal, one)
        new.append(one | {"seal": seal.hex()})
    assert found(published([*old, *new]), story.program) == []
    assert read(published([*old, *new]), story.program).counts["first_edition"] == 3


def test_a_reading_that_begins_inside_takes_each_stream_as_it_stands(story: Story) -> None:
    decisions = plain(story)
    scope = Scope(begins_inside=frozenset([0]))
    assert found(published(decisions[4:]), story.program, scope) == []
    assert read(published(decisions[4:]), story.program, scope).counts["taken_as_they_stood"] == 1
    decisions[6]["member_id"] = "max"
    assert kinds(found(published(decisions[4:]), story.program, scope)) == [Kind.EDITED]


def test_a_stream_that_goes_on_in_another_partition_is_sound_unless_it_was_changed_there(story: Story) -> None:
    decisions = plain(story)
    there = published(decisions[5:], partition=1)
    assert found([*there, *published(decisions[:5])], story.program) == []
    assert kinds(found([*there, *published(decisions[:4])], story.program)) == [Kind.DROPPED]
    decisions[5]["member_id"] = "max"
    there = published(decisions[5:], partition=1)
    assert kinds(found([*there, *published(decisions[:5])], story.program)) == [Kind.EDITED]


def test_offers_are_followed_by_member() -> None:
    story = OfferStory()
    story.campaign()
    decisions = [json.loads(to_json(one)) for days in range(4) for one in story.clicks(at(days))]
    assert len(decisions) == 4
    assert found(published(decisions), story.program) == []
    findings = found(published([*decisions[:1], *decisions[2:]]), story.program)
    assert [(one.kind, one.sentence[:45]) for one in findings] == [
        (Kind.DROPPED, "Decision 2 of the offers to member mia is not")
    ]


# -- what only an anchor finds


def _anchored(decisions: list[Plain], until: str = LATER) -> Anchor:
    return anchor(until, read(published(decisions), None, Scope(until=until)).heads)


def _against(said: Anchor, decisions: list[Plain]) -> Finding | None:
    return compare(said, read(published(decisions), None, Scope(until=said.until)).heads)


def test_a_tail_that_was_cut_off_is_found_by_the_anchor_only(story: Story) -> None:
    decisions = plain(story)
    said = _anchored(decisions)
    assert _against(said, decisions) is None
    assert found(published(decisions[:-2]), story.program) == []
    finding = _against(said, decisions[:-2])
    assert finding is not None
    assert (finding.kind, "2 decisions of" in finding.sentence) == (Kind.CUT_OFF, True)
    assert "account acc" in finding.sentence


def test_an_account_rewritten_seals_and_all_is_found_by_the_anchor_only(story: Story) -> None:
    decisions = plain(story)
    said = _anchored(decisions)
    forged = sealed_anew([{**one, "member_id": one["member_id"] and "max"} for one in decisions])
    assert found(published(forged), story.program) == []
    finding = _against(said, forged)
    assert finding is not None
    assert (finding.kind, "account acc" in finding.sentence) == (Kind.REWRITTEN, True)
    only_the_root = _against(Anchor(said.until, said.root), forged)
    assert only_the_root is not None
    assert said.root in only_the_root.sentence


def test_what_is_decided_after_an_anchor_does_not_change_it(story: Story) -> None:
    decisions = [
        {**one, "decided_at": f"2026-01-{day:02}T00:00:00.000Z"} for day, one in enumerate(plain(story), start=1)
    ]
    said = _anchored(decisions[:4], "2026-01-05T00:00:00.000Z")
    assert _against(said, decisions) is None
    assert said.decisions == 4


def test_the_root_of_many_streams_depends_on_each() -> None:
    many = [{**decision, "account_id": f"a{number}"} for number in range(300) for decision in plain_of_one_purchase()]
    said = _anchored(many)
    assert said.streams == 300
    assert _against(said, list(reversed(many))) is None
    assert _against(said, many[:-1]) is not None


def plain_of_one_purchase() -> list[Plain]:
    story = Story()
    story.buys("o1", 1_000, at())
    return plain(story)
