"""Time, duplicates, waiting refunds and the watermark of the oracle, by hand from contract §4."""

import json

from .stories import Story, at, balance, dead, of_type, told

DAY_MS = 86_400_000


def test_an_exact_repetition_is_a_known_duplicate_and_changes_nothing() -> None:
    story = Story()
    event = story.adjustment(at(), 10)
    story.send_bytes(json.dumps(dict(reversed(event.items()))).encode())
    result = story.decide()
    assert told(result) == [("points.adjusted", 10)]
    assert (result.used, result.duplicates) == (
        [("loyalty.transactions", 0, 0)],
        [("loyalty.transactions", 0, 1)],
    )


def test_the_same_id_with_other_content_conflicts_for_35_days_of_the_accounts_time() -> None:
    story = Story()
    event = story.adjustment(at(), 10)
    story.adjustment(at(35, ms=-1), 10)  # takes the account's time there
    story.adjustment(at(36), 10, event_id=event["event_id"])  # refused, its time does not count
    story.adjustment(at(35), 10)
    story.adjustment(at(35), 11, event_id=event["event_id"])
    result = story.decide()
    assert dead(result) == ["conflicting_duplicate"]
    assert [one["points"] for one in result.decisions] == [10, 10, 10, 11]


def test_a_conflicting_duplicate_makes_nothing_due() -> None:
    story = Story(lag_ms=5 * DAY_MS, earning={"pending_days": 1})
    event = story.purchase(at(), "o1", 10)
    story.adjustment(at(2), 1, event_id=event["event_id"])
    story.refund(at(0, hours=1), "o1", ("l0", 1))
    assert told(story.decide()) == [("points.earned", 10), ("points.reversed", -10)]


def test_first_use_counts_by_the_accounts_time_not_by_the_events() -> None:
    story = Story(lag_ms=5 * DAY_MS)
    story.adjustment(at(4), 1)
    story.adjustment(at(), 10, event_id="again")
    story.adjustment(at(38), 1)
    story.adjustment(at(38), 11, event_id="again")  # 34 days of account time since
    assert dead(story.decide()) == ["conflicting_duplicate"]


def test_a_repaired_dead_letter_may_come_again() -> None:
    story = Story()
    refused = story.purchase(at(), "o1", 10, currency="USD")
    story.purchase(at(), "o1", 10, event_id=refused["event_id"])
    result = story.decide()
    assert dead(result) == ["unknown_currency"]
    assert told(result)[0] == ("points.earned", 10)


def test_the_same_id_on_another_account_is_another_event() -> None:
    story = Story()
    event = story.adjustment(at(), 10)
    story.adjustment(at(), 10, account_id="b", event_id=event["event_id"])
    assert told(story.decide(), "b") == [("points.adjusted", 10)]


def test_an_event_refused_by_a_rule_moves_the_accounts_time_on() -> None:
    story = Story(lag_ms=9 * DAY_MS, earning={"pending_days": 1, "refund_days": 5})
    story.purchase(at(), "o1", 10)
    story.commit(at(5), "nothing")
    story.refund(at(4, ms=1), "o1", ("l0", 1))  # the order is not known any more
    result = story.decide()
    assert told(result) == [("points.earned", 10), ("points.released", "release")]
    assert result.waiting == [("loyalty.transactions", 0, 2)]


def test_refunds_that_came_first_follow_their_purchase_in_order_and_before_what_it_sets() -> None:
    story = Story()
    story.refund(at(), "o1", ("l0", 1))
    story.cancellation(at(0, hours=1), "o1")
    story.refund(at(0, hours=2), "o1", ("l0", 1))
    story.purchase(at(0, hours=3), "o1", 20, quantity=2)
    result = story.decide()
    assert told(result) == [("points.earned", 20), ("points.reversed", -10), ("points.reversed", -10)]
    assert [one["occurred_at"][11:13] for one in result.decisions] == ["03", "00", "01"]
    assert [one["cause"]["offset"] for one in result.decisions] == [3, 0, 1]
    assert dead(result) == ["over_refund"]
    assert (len(result.used), result.waiting) == (3, [])


def test_a_waiting_refund_is_given_up_24_hours_after_it_happened() -> None:
    story = Story()
    story.refund(at(), "early", ("l0", 1))
    story.refund(at(ms=1), "just-in-time", ("l0", 1))
    story.purchase(at(1), "early", 20)
    story.purchase(at(1), "just-in-time", 20)
    result = story.decide()
    assert dead(result) == ["unknown_order"]
    assert [one["points"] for one in of_type(result, "points.reversed")] == [-20]


def test_a_waiting_refund_counts_as_used_until_it_is_a_dead_letter() -> None:
    story = Story(lag_ms=5 * DAY_MS)
    refund = story.refund(at(), "o1", ("l0", 1))
    again = json.dumps(refund).encode()
    story.send_bytes(again)
    story.adjustment(at(1), 1)  # gives it up
    story.purchase(at(1), "o1", 20)
    story.send_bytes(again)
    result = story.decide()
    assert dead(result) == ["unknown_order"]
    assert result.duplicates == [("loyalty.transactions", 0, 1)]
    assert told(result)[-1] == ("points.reversed", -20)


def test_a_refund_that_comes_after_its_own_wait_is_given_up_at_once() -> None:
    story = Story(lag_ms=5 * DAY_MS)
    story.adjustment(at(2), 1)
    story.refund(at(1), "o1", ("l0", 1))
    assert dead(story.decide()) == ["unknown_order"]


def test_due_things_of_one_millisecond_come_by_kind_then_by_the_event_that_set_them() -> None:
    story = Story(earning={"pending_days": 5, "expiry_days": 6}, redemption={"hold_minutes": 24 * 60})
    story.purchase(at(0), "slides", 1_000)
    story.new_version("tiers", at(-1), version=2, window_days=6, grace_days=0)
    story.purchase(at(1), "second", 2)
    story.adjustment(at(1), 3)
    story.purchase(at(1), "third", 4)
    story.request(at(5), "r", 5)
    story.adjustment(at(6), 1)
    assert told(story.decide())[5:] == [
        ("points.released", "release"),  # day 5: the first purchase
        ("redemption.decided", "approved"),
        ("redemption.released", "hold"),  # day 6
        ("points.released", "release"),
        ("points.released", "release"),
        ("points.expired", -1_000, "expiry"),
        ("tier.grace", "started", "slide"),
        ("tier.changed", "basic", "grace"),
        ("points.adjusted", 1),
    ]


def test_the_watermark_does_what_is_due_for_quiet_accounts_at_the_lag_behind_the_last_event() -> None:
    def quiet(ms: int) -> list[tuple[object, ...]]:
        story = Story(lag_ms=DAY_MS, earning={"pending_days": 1})
        story.purchase(at(), "o1", 10)
        story.adjustment(at(2, ms=ms), 1, account_id="other")
        return told(story.decide())

    assert quiet(-1) == [("points.earned", 10)]
    assert quiet(0) == [("points.earned", 10), ("points.released", "release")]


def test_the_watermark_is_the_least_of_the_partitions_that_have_had_a_valid_event() -> None:
    story = Story(earning={"pending_days": 1})
    story.purchase(at(), "o1", 10)
    story.adjustment(at(9), 1, account_id="b", partition=1)
    story.send_bytes(b"nonsense", partition=2)
    assert told(story.decide()) == [("points.earned", 10)]
    story.adjustment(at(1), 1, account_id="c")
    assert told(story.decide()) == [("points.earned", 10), ("points.released", "release")]


def test_a_refused_event_takes_the_watermark_on_but_none_that_fails_a_check_of_form() -> None:
    story = Story(earning={"pending_days": 1})
    story.purchase(at(), "o1", 10)
    story.send("purchase", at(2))  # its fields are missing
    assert told(story.decide()) == [("points.earned", 10)]
    story.commit(at(1), "nothing")
    assert told(story.decide()) == [("points.earned", 10), ("points.released", "release")]


def test_an_event_is_late_when_further_behind_its_own_partition_than_the_lag() -> None:
    story = Story(lag_ms=DAY_MS)
    story.adjustment(at(2), 1)
    story.adjustment(at(1), 1)
    story.adjustment(at(1, ms=-1), 1)
    story.adjustment(at(0), 1, account_id="b", partition=1)
    result = story.decide()
    assert [one["evidence"]["late"] for one in result.decisions] == [False, False, True, False]


def test_a_late_event_is_decided_on_what_is_then_true() -> None:
    story = Story(earning={"expiry_days": 1}, redemption={"hold_minutes": 60})
    story.adjustment(at(), 100)
    story.adjustment(at(2), 1, account_id="other")
    story.request(at(0, hours=1), "r", 20)
    result = story.decide()
    assert told(result) == [
        ("points.adjusted", 100),
        ("points.expired", -100, "expiry"),
        ("redemption.decided", "denied"),
    ]
    assert [one["evidence"]["late"] for one in result.decisions if one["account_id"] == "a"] == [False, False, True]


def test_the_documents_in_force_are_the_highest_versions_of_the_events_own_time() -> None:
    story = Story()
    story.new_version("earning", at(1), version=2, currencies={"EUR": {"points": 2, "per_minor": 1}})
    story.new_version("earning", at(1), version=3, currencies={"EUR": {"points": 3, "per_minor": 1}})
    story.new_version("earning", at(5), version=2, currencies={"EUR": {"points": 4, "per_minor": 1}})  # replaces it
    story.purchase(at(1, ms=-1), "o1", 1)
    story.purchase(at(1), "o2", 1)
    story.purchase(at(6), "o3", 1)
    assert [one["points"] for one in of_type(story.decide(), "points.earned")] == [1, 3, 3]


def test_before_the_first_of_any_needed_document_there_is_no_programme_but_time_goes_on() -> None:
    story = Story(lag_ms=DAY_MS)
    story.new_version("fraud", at(1), version=1)  # the same version again: it now starts on day 1
    story.adjustment(at(1, ms=-1), 1)
    story.adjustment(at(1), 1)
    result = story.decide()
    assert dead(result) == ["no_programme"]
    assert balance(result)["available"] == 1
