"""What must hold of the oracle's offers, and of what comes of them, for every history (contract §4, Offers)."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given

from .offer_histories import LoopCase, by_place_in_its_stream, loop_histories, offer_histories, written
from .offers import Offering, decide_offers
from .oracle import Result, decide_all
from .tries import tried_with, try_until_nothing_is_missing
from .wire import DAY_MS, Malformed, Record, parse_json, parse_time

SOME = tried_with(100)
FEW = tried_with(40)

Plain = dict[str, Any]
Version = tuple[str, int]

EVERY_ANSWER = {"offered", "no_consent", "cap_reached", "budget_exhausted", "lower_priority"}
EVERY_DEAD_LETTER = {"malformed_json", "schema_violation", "key_mismatch", "too_early", "conflicting_duplicate"}
EVERY_DECISION_ABOUT_A_BONUS = {
    ("points.earned", "offer_bonus"),
    ("points.released", "return_window_ended"),
    ("points.expired", "lot_expired"),
    ("points.reversed", "refund"),
    ("points.reversed", "cancellation"),
    ("reward.issued", "offer_taken"),
    ("reward.revoked", "order_reversed"),
}


def offered(case: LoopCase) -> Offering:
    return decide_offers(case.engagements, case.reference)


def looped(case: LoopCase) -> Result:
    """The whole loop: the ledger's decisions, the offers that rest on them, and what the offers lead to."""
    return decide_all(*closed(case), case.lag_ms)


def closed(case: LoopCase) -> tuple[list[Record], list[Record]]:
    """The transactions and the reference, with the offers that rest on the ledger's decisions."""
    ledger = written(decide_all(case.transactions, case.reference, case.lag_ms).decisions, by_place_in_its_stream)
    offers = decide_offers(case.engagements, [*case.reference, *ledger]).decisions
    reference, transactions = case.with_offers(written(offers, by_place_in_its_stream))
    return transactions, reference


def moment_of(decision: Plain) -> int:
    return parse_time(decision["occurred_at"]) or 0


def campaign_of(decision: Plain) -> Version:
    ((name, version),) = decision["rules"].items()
    return name, version


def campaigns(case: LoopCase) -> dict[Version, list[Plain]]:
    """Every body that a campaign's version has had; a version that comes again has several."""
    found: dict[Version, list[Plain]] = defaultdict(list)
    for record in [*case.reference, *case.engagements]:
        if record.topic == "loyalty.program" and (record.key or b"").startswith(b"campaign/"):
            document = parse_json(record.value)
            found[document["document"], document["version"]].append(document["body"])
    return found


def sent(case: LoopCase) -> list[Record]:
    return [record for record in case.engagements if record.topic == "loyalty.engagements"]


@SOME
@given(offer_histories())
def test_every_engagement_ends_as_exactly_one_thing_and_each_used_one_decides_something(case: LoopCase) -> None:
    offering = offered(case)
    dead = [(one["topic"], one["partition"], one["offset"]) for one in offering.dead_letters]
    dead = [place for place in dead if place[0] == "loyalty.engagements"]
    ends = [*offering.used, *offering.duplicates, *offering.unmatched, *dead]
    assert sorted(ends) == sorted((one.topic, one.partition, one.offset) for one in sent(case))
    causes = [one["cause"] for one in offering.decisions]
    assert {(one["topic"], one["partition"], one["offset"]) for one in causes} == set(offering.used)


@SOME
@given(offer_histories())
def test_at_most_one_offer_is_made_of_an_engagement_and_each_campaign_answers_once(case: LoopCase) -> None:
    made: Counter[int] = Counter()
    answers: Counter[tuple[int, str]] = Counter()
    for decision in offered(case).decisions:
        made[decision["cause"]["offset"]] += decision["outcome"] == "made"
        answers[decision["cause"]["offset"], campaign_of(decision)[0]] += 1
    assert all(number <= 1 for number in made.values())
    assert all(number == 1 for number in answers.values())


@SOME
@given(offer_histories())
def test_the_sequence_of_each_member_has_no_gap(case: LoopCase) -> None:
    sequences: dict[str, list[int]] = defaultdict(list)
    for decision in offered(case).decisions:
        sequences[decision["member_id"]].append(decision["sequence"])
    assert all(one == list(range(1, len(one) + 1)) for one in sequences.values())


@SOME
@given(offer_histories())
def test_no_offer_is_made_when_consent_was_withdrawn_or_never_given(case: LoopCase) -> None:
    said: dict[str, list[tuple[int, int, bool]]] = defaultdict(list)
    for arrival, record in enumerate([*case.reference, *case.engagements]):
        if record.topic == "loyalty.members" and record.value is None:
            said.pop((record.key or b"").decode().removesuffix(":consent"), None)
        elif record.topic == "loyalty.members" and parse_json(record.value)["type"] == "member.consent":
            event = parse_json(record.value)
            said[event["member_id"]].append((parse_time(event["occurred_at"]) or 0, arrival, event["offers"]))
    all_come_first = all(record.topic != "loyalty.members" for record in case.engagements)
    for decision in offered(case).decisions:
        if all_come_first:
            before = [one for one in said[decision["member_id"]] if one[0] <= moment_of(decision)]
            agreed = bool(before) and max(before)[2]
            assert agreed == (decision["reasons"][0]["code"] != "no_consent")


@SOME
@given(offer_histories())
def test_a_budget_is_never_exceeded(case: LoopCase) -> None:
    bodies = campaigns(case)
    used: Counter[str] = Counter()
    for decision in offered(case).decisions:
        if decision["outcome"] == "made":
            name, version = campaign_of(decision)
            # Where a version came again with another body, at least the larger budget holds.
            used[name] += min(body["offer"]["bonus_points"] for body in bodies[name, version])
            assert used[name] <= max(body["budget_points"] for body in bodies[name, version])


@SOME
@given(offer_histories())
def test_no_window_of_a_member_holds_more_offers_than_the_cap(case: LoopCase) -> None:
    bodies = campaigns(case)
    made: dict[tuple[str, str], list[tuple[int, Version]]] = defaultdict(list)
    for decision in offered(case).decisions:
        if decision["outcome"] == "made":
            version = campaign_of(decision)
            made[decision["member_id"], version[0]].append((moment_of(decision), version))
    for offers in made.values():
        # By the most lenient of the versions that made them, as each is held to its own.
        caps = [body["cap"] for _, version in offers for body in bodies[version]]
        most, window = (max(cap["max_per_member"] for cap in caps), min(cap["window_days"] for cap in caps) * DAY_MS)
        for end, _ in offers:
            assert sum(1 for moment, _ in offers if end - window < moment <= end) <= most


@SOME
@given(offer_histories())
def test_a_campaign_is_passed_over_only_for_one_that_is_made(case: LoopCase) -> None:
    bodies = campaigns(case)
    if any(len(versions) > 1 for versions in bodies.values()):
        return
    for offset, decisions in by_engagement(offered(case)).items():
        ranks = [(-bodies[campaign_of(one)][0]["priority"], campaign_of(one)[0]) for one in decisions]
        assert ranks == sorted(ranks), offset
        codes = [one["reasons"][0]["code"] for one in decisions]
        if "lower_priority" in codes:
            assert "offered" in codes[: codes.index("lower_priority")]


def by_engagement(offering: Offering) -> dict[int, list[Plain]]:
    found: dict[int, list[Plain]] = defaultdict(list)
    for decision in offering.decisions:
        found[decision["cause"]["offset"]].append(decision)
    return found


@FEW
@given(loop_histories())
def test_offers_taken_up_leave_the_books_in_order(case: LoopCase) -> None:
    accounts: dict[str, list[Plain]] = defaultdict(list)
    for decision in looped(case).decisions:
        accounts[decision["account_id"]].append(decision)
    for decisions in accounts.values():
        points = 0
        for sequence, decision in enumerate(decisions, start=1):
            balance = decision["balance"]
            points += decision["points"]
            assert decision["sequence"] == sequence
            assert points == balance["pending"] + balance["available"] + balance["held"] - balance["debt"]
            assert 0 in (balance["available"], balance["debt"])


@FEW
@given(loop_histories())
def test_every_bonus_is_issued_once_and_revoked_at_most_once(case: LoopCase) -> None:
    seen: Counter[Any] = Counter()
    for decision in looped(case).decisions:
        subject = decision["subject"]
        if "offer_id" in subject:
            seen[decision["type"], (decision["account_id"], subject["order_id"], subject["offer_id"])] += 1
    for bonus in {name for _, name in seen}:
        assert seen["reward.issued", bonus] == seen["points.earned", bonus] > 0
        assert seen["reward.revoked", bonus] == seen["points.reversed", bonus] <= seen["reward.issued", bonus]


@pytest.mark.long
def test_histories_bring_about_all_that_becomes_of_offers() -> None:
    seen: Counter[Any] = Counter()

    def count_offers(case: LoopCase) -> None:
        offering = offered(case)
        seen.update({one["reasons"][0]["code"] for one in offering.decisions})
        seen.update({one["reason"] for one in offering.dead_letters if one["topic"] == "loyalty.engagements"})
        seen["duplicate"] += bool(offering.duplicates)
        seen["unmatched"] += bool(offering.unmatched)

    def count_bonuses(case: LoopCase) -> None:
        for decision in looped(case).decisions:
            if "offer_id" in decision["subject"]:
                seen[decision["type"], decision["reasons"][0]["code"]] += 1

    def missing(wanted: set[Any]) -> set[Any]:
        return {one for one in wanted if seen[one] < 3}

    of_offers: set[Any] = EVERY_ANSWER | EVERY_DEAD_LETTER | {"duplicate", "unmatched"}
    try_until_nothing_is_missing(offer_histories(), count_offers, lambda: missing(of_offers))
    try_until_nothing_is_missing(loop_histories(), count_bonuses, lambda: missing(EVERY_DECISION_ABOUT_A_BONUS))
    assert missing(of_offers | EVERY_DECISION_ABOUT_A_BONUS) == set()
    assert {one for one in seen if isinstance(one, tuple)} == EVERY_DECISION_ABOUT_A_BONUS


OF_OFFERS = "an erased consent"
OF_LOOPS = ("a currency", "a category at 0 bp", "an erased profile")


@pytest.mark.long
def test_histories_bring_about_what_currencies_categories_and_erasures_change() -> None:
    """Each is asked whether the history would have gone another way without it."""
    seen: Counter[str] = Counter()

    def count_consents(case: LoopCase) -> None:
        kept = case._replace(reference=without_erasures(case.reference), engagements=without_erasures(case.engagements))
        seen[OF_OFFERS] += offered(kept).decisions != offered(case).decisions

    def count_loops(case: LoopCase) -> None:
        transactions, reference = closed(case)
        taken = bonuses(decide_all(transactions, reference, case.lag_ms))
        for what, changed in (("a currency", any_currency), ("a category at 0 bp", nothing_at_0_bp)):
            otherwise = [changed(record) for record in reference]
            seen[what] += bonuses(decide_all(transactions, otherwise, case.lag_ms)) != taken
        kept = decide_all(without_erasures(transactions), without_erasures(reference), case.lag_ms)
        seen["an erased profile"] += kept.decisions != decide_all(transactions, reference, case.lag_ms).decisions

    def missing(wanted: Sequence[str]) -> set[str]:
        return {one for one in wanted if seen[one] < 3}

    try_until_nothing_is_missing(offer_histories(), count_consents, lambda: missing([OF_OFFERS]))
    try_until_nothing_is_missing(loop_histories(), count_loops, lambda: missing(OF_LOOPS))
    print(seen)
    assert missing([OF_OFFERS, *OF_LOOPS]) == set()


def without_erasures(records: list[Record]) -> list[Record]:
    return [one for one in records if one.topic != "loyalty.members" or one.value is not None]


def bonuses(result: Result) -> list[Any]:
    """Which orders took up which offers, or were undone."""
    return [
        (one["type"], one["account_id"], one["subject"])
        for one in result.decisions
        if one["type"].startswith("reward.") and "offer_id" in one["subject"]
    ]


def any_currency(record: Record) -> Record:
    """A campaign whose offers name no currency; other records as they are."""
    return with_body(record, b"campaign/", lambda body: {**body, "offer": {**body["offer"], "currency": None}})


def nothing_at_0_bp(record: Record) -> Record:
    """Earning rules in which every category earns something; other records as they are."""
    return with_body(
        record,
        b"earning@",
        lambda body: {**body, "category_bp": {name: bp or 1 for name, bp in body["category_bp"].items()}},
    )


def with_body(record: Record, name: bytes, change: Callable[[Plain], Plain]) -> Record:
    """A sound document of that name with its body changed; other records as they are."""
    if record.topic != "loyalty.program" or not (record.key or b"").startswith(name):
        return record
    try:
        event = parse_json(record.value)
    except Malformed:
        return record
    if "body" not in event:
        return record
    return record._replace(value=json.dumps({**event, "body": change(event["body"])}).encode())
