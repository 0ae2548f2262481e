"""What must hold of the oracle's own output, for every history (contract §5, §6)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from .histories import DEVICES, Case, histories
from .oracle import Result, decide_all
from .tries import tried_with, try_until_nothing_is_missing
from .wire import DAY_MS, Malformed, parse_json, parse_time

SOME = tried_with(150)

TRANSACTIONS = "loyalty.transactions"

EVERY_DECISION = {
    ("points.earned", "posted", "purchase"),
    ("points.released", "posted", "return_window_ended"),
    ("points.reversed", "posted", "refund"),
    ("points.reversed", "posted", "cancellation"),
    ("points.adjusted", "posted", "adjustment"),
    ("points.expired", "posted", "lot_expired"),
    ("tier.changed", "up", "threshold_reached"),
    ("tier.changed", "down", "grace_ended"),
    ("tier.changed", "down", "points_reversed"),
    ("tier.grace", "started", "window_slid"),
    ("tier.grace", "started", "rules_changed"),
    ("tier.grace", "ended", "threshold_reached"),
    ("redemption.decided", "approved", "approved"),
    *(
        ("redemption.decided", "denied", code)
        for code in (
            "reward_unavailable",
            "below_minimum",
            "fraud_signal",
            "velocity",
            "no_engagement",
            "unknown_device",
            "insufficient_points",
        )
    ),
    *(
        ("redemption.decided", "review", code)
        for code in ("fraud_signal", "velocity", "no_engagement", "unknown_device")
    ),
    ("redemption.settled", "posted", "committed"),
    ("redemption.released", "posted", "cancelled"),
    ("redemption.released", "posted", "hold_expired"),
    ("reward.issued", "posted", "redeemed"),
    ("reward.revoked", "posted", "redemption_cancelled"),
}

EVERY_DEAD_LETTER = {
    "malformed_json",
    "schema_violation",
    "key_mismatch",
    "too_early",
    "conflicting_duplicate",
    "no_programme",
    "duplicate_order",
    "unknown_currency",
    "unknown_partner",
    "over_refund",
    "unknown_order",
    "duplicate_redemption",
    "unknown_redemption",
    "no_hold",
}


def decided(case: Case) -> Result:
    return decide_all(case.transactions, case.reference, case.lag_ms)


def by_account(result: Result) -> Iterable[list[dict[str, Any]]]:
    accounts = defaultdict(list)
    for decision in result.decisions:
        accounts[decision["account_id"]].append(decision)
    return accounts.values()


@SOME
@given(histories())
def test_every_transaction_ends_as_exactly_one_thing(case: Case) -> None:
    result = decided(case)
    dead = [(one["topic"], one["partition"], one["offset"]) for one in result.dead_letters]
    ends = [*result.used, *result.duplicates, *result.waiting, *(one for one in dead if one[0] == TRANSACTIONS)]
    assert sorted(ends) == sorted((one.topic, one.partition, one.offset) for one in case.transactions)


@SOME
@given(histories())
def test_sequences_have_no_gap_and_the_sum_of_points_is_the_balance(case: Case) -> None:
    for decisions in by_account(decided(case)):
        points = 0
        for sequence, decision in enumerate(decisions, start=1):
            balance = decision["balance"]
            points += decision["points"]
            assert decision["sequence"] == sequence
            assert points == balance["pending"] + balance["available"] + balance["held"] - balance["debt"]


@SOME
@given(histories())
def test_no_balance_is_negative_and_debt_and_available_points_are_never_both_there(case: Case) -> None:
    for decision in decided(case).decisions:
        balance = decision["balance"]
        assert min(balance[name] for name in ("pending", "available", "held", "debt", "qualifying")) >= 0
        assert 0 in (balance["available"], balance["debt"])


@SOME
@given(histories())
def test_under_floor_no_more_is_owed_than_holds_hold_unless_it_was_before(case: Case) -> None:
    policies = {one["negative_balance"] for one in bodies(case, "redemption")}
    for decisions in by_account(decided(case)):
        for before, after in pairwise(decisions):
            grown = after["balance"]["debt"] - before["balance"]["debt"]
            if policies == {"floor"} and grown > 0:
                assert after["balance"]["debt"] <= after["balance"]["held"]
            if policies == {"debt"}:
                assert "written_off" not in after["evidence"]


@SOME
@given(histories())
def test_what_is_written_off_is_no_points_of_the_decision(case: Case) -> None:
    for decisions in by_account(decided(case)):
        for before, after in pairwise(decisions):
            if after["type"] == "redemption.settled":
                spent = before["balance"]["held"] - after["balance"]["held"]
                written_off = after["evidence"].get("written_off", 0)
                assert after["points"] == written_off - spent
                assert before["balance"]["debt"] - after["balance"]["debt"] == written_off <= spent


def bodies(case: Case, name: str) -> list[dict[str, Any]]:
    """Every version of a document, in the order of arrival; those that are refused are not among them."""
    parsed = [
        parse_json(record.value)
        for record in case.reference
        if record.topic == "loyalty.program" and (record.key or b"").startswith(name.encode() + b"@") and record.value
        if is_json(record.value)
    ]
    return [event["body"] for event in parsed if "body" in event]


def is_json(value: bytes) -> bool:
    try:
        parse_json(value)
    except Malformed:
        return False
    return True


@SOME
@given(histories())
def test_a_hold_never_takes_more_than_was_available(case: Case) -> None:
    for decisions in by_account(decided(case)):
        for before, after in pairwise(decisions):
            if after["type"] == "redemption.decided":
                moved = after["balance"]["held"] - before["balance"]["held"]
                assert moved == before["balance"]["available"] - after["balance"]["available"]
                assert (moved > 0) == (after["outcome"] != "denied")


@SOME
@given(histories())
def test_each_used_event_makes_a_decision_and_no_other_event_does(case: Case) -> None:
    result = decided(case)
    causes = [one["cause"] for one in result.decisions if "timer" not in one["cause"]]
    assert {(one["topic"], one["partition"], one["offset"]) for one in causes} == set(result.used)


@SOME
@given(histories())
def test_due_things_that_change_nothing_make_no_decision(case: Case) -> None:
    for decisions in by_account(decided(case)):
        before: dict[str, Any] = {}
        for decision in decisions:
            if "timer" in decision["cause"] and decision["type"] != "tier.grace":
                assert decision["balance"] != before.get("balance")
            before = decision


@SOME
@given(histories())
def test_the_same_history_is_decided_the_same_again_in_any_interleaving_of_its_partitions(case: Case) -> None:
    one_by_one = sorted(case.transactions, key=lambda record: (record.partition, record.offset))
    again = decide_all(one_by_one, case.reference, case.lag_ms)
    first = decided(case)

    def by_sequence(result: Result) -> list[Any]:
        return sorted(result.decisions, key=lambda decision: (decision["account_id"], decision["sequence"]))

    assert by_sequence(again) == by_sequence(first)
    assert sorted(again.used) == sorted(first.used)


@SOME
@given(histories(allow_late=True, partitions=1))
def test_late_events_leave_the_books_in_order(case: Case) -> None:
    for decisions in by_account(decided(case)):
        last = decisions[-1]["balance"]
        points = sum(one["points"] for one in decisions)
        assert points == last["pending"] + last["available"] + last["held"] - last["debt"]


@SOME
@given(histories())
def test_histories_bring_no_used_event_later_than_the_lag(case: Case) -> None:
    result = decided(case)
    assert not any(decision["evidence"]["late"] for decision in result.decisions)
    latest: dict[int, int] = {}
    for record in case.transactions:
        position = (record.topic, record.partition, record.offset)
        if position in result.used or position in result.waiting:
            moment = parse_time(parse_json(record.value)["occurred_at"])
            assert moment is not None
            latest[record.partition] = max(moment, latest.get(record.partition, moment))
            assert moment >= latest[record.partition] - case.lag_ms


@pytest.mark.long
def test_histories_bring_about_everything_the_contract_knows() -> None:
    seen: Counter[Any] = Counter()
    wanted = EVERY_DECISION | EVERY_DEAD_LETTER | {"debt", "written off"}

    def count(case: Case) -> None:
        result = decided(case)
        seen.update(letter["reason"] for letter in result.dead_letters)
        for decisions in by_account(result):
            for decision in decisions:
                reason = decision["reasons"][0]
                outcome = decision["outcome"]
                if decision["type"] == "tier.changed":
                    outcome = "up" if reason["code"] == "threshold_reached" else "down"
                seen[decision["type"], outcome, reason["code"].partition(":")[0]] += 1
                seen["debt"] += decision["balance"]["debt"] > 0
                seen["written off"] += "written_off" in decision["evidence"]

    try_until_nothing_is_missing(histories(), count, lambda: {one for one in wanted if not seen[one]})
    assert {one for one in wanted if not seen[one]} == set()
    assert {one for one in seen if isinstance(one, tuple)} == EVERY_DECISION


RARE = (
    "owed under floor",
    "owed and written off at once",
    "paid when a hold ends under floor",
    "written off at a commit",
    "all that is spent written off",
    "less than is spent written off",
    "shown before it slides",
    "grace from the account's time has ended",
    "a device that was erased",
    "asked again when forgotten",
)


@pytest.mark.long
def test_histories_bring_about_what_is_rare_elsewhere() -> None:
    seen: Counter[str] = Counter()

    def count(case: Case) -> None:
        has_floor = any(one["negative_balance"] == "floor" for one in bodies(case, "redemption"))
        result = decided(case)
        events = {
            (record.topic, record.partition, record.offset): parse_json(record.value)
            for record in case.transactions
            if record.value and is_json(record.value)
        }
        for decisions in by_account(result):
            count_debt(seen, decisions, has_floor)
            count_moments(seen, decisions, {one["grace_days"] for one in bodies(case, "tiers")})
            count_requests(seen, decisions, events)

    try_until_nothing_is_missing(histories(), count, lambda: {one for one in RARE if seen[one] < 3})
    print(seen)
    assert {one for one in RARE if seen[one] < 3} == set()


def count_debt(seen: Counter[str], decisions: list[dict[str, Any]], has_floor: bool) -> None:
    for before, after in pairwise(decisions):
        grown = after["balance"]["debt"] - before["balance"]["debt"]
        written_off = after["evidence"].get("written_off", 0)
        seen["owed under floor"] += has_floor and grown > 0
        seen["owed and written off at once"] += grown > 0 and written_off > 0
        if after["type"] == "redemption.released":
            seen["paid when a hold ends under floor"] += has_floor and grown < 0 and after["points"] == 0
        if after["type"] == "redemption.settled" and written_off:
            seen["written off at a commit"] += 1
            seen["all that is spent written off" if after["points"] == 0 else "less than is spent written off"] += 1


def count_moments(seen: Counter[str], decisions: list[dict[str, Any]], grace_days: set[int]) -> None:
    started = 0
    for decision, behind in zip(decisions, [*decisions[1:], None], strict=True):
        moment = parse_time(decision["occurred_at"]) or 0
        timer = decision["cause"].get("timer")
        if behind is not None and timer in ("hold", "release", "expiry") and behind["cause"].get("timer") == "slide":
            seen["shown before it slides"] += decision["occurred_at"] == behind["occurred_at"]
        if decision["type"] == "tier.grace":
            started = moment
        if decision["type"] == "tier.changed" and timer == "grace":
            seen["grace from the account's time has ended"] += (moment - started) / DAY_MS not in grace_days


def count_requests(seen: Counter[str], decisions: list[dict[str, Any]], events: dict[Any, Any]) -> None:
    asked: list[int] = []
    for decision in decisions:
        if decision["type"] != "redemption.decided":
            continue
        codes = [reason["code"] for reason in decision["reasons"]]
        event = events[decision["cause"]["topic"], decision["cause"]["partition"], decision["cause"]["offset"]]
        has_profile = event["member_id"].endswith("m0") and event.get("device_id") == DEVICES[0]
        seen["a device that was erased"] += has_profile and "unknown_device" in codes
        moment = parse_time(decision["occurred_at"]) or 0
        far_apart = [one for one in asked if 35 * DAY_MS <= moment - one <= 40 * DAY_MS]
        seen["asked again when forgotten"] += bool(far_apart)
        asked.append(moment)
