"""Earning, lots, debt, refunds and adjustments of the oracle, against numbers worked out by hand from contract §4."""

from .stories import Story, at, balance, codes, dead, of_type, told


def test_each_line_is_rounded_down_once_on_its_own() -> None:
    story = Story(earning={"currencies": {"EUR": {"points": 1, "per_minor": 100}}})
    story.purchase(at(), "o1", 199, 199)
    assert told(story.decide())[0] == ("points.earned", 2)


def test_category_tier_and_partner_multiply_before_the_one_rounding() -> None:
    story = Story(earning={"currencies": {"EUR": {"points": 1, "per_minor": 100}}, "category_bp": {"c": 15_000}})
    story.new_version("partner/p", at(-1), earn_bp=12_500, active=True)
    story.adjustment(at(), 1_000, qualifying=True)  # silver: 1.5
    story.purchase(at(1), "o1", 999, partner_id="p")
    earned = of_type(story.decide(), "points.earned")[0]
    # 999 × 1.5 × 1.5 × 1.25 ÷ 100 = 28.096…; qualifying 999 × 1.5 ÷ 100 = 14.985
    assert earned["points"] == 28
    assert earned["balance"]["qualifying"] == 1_014
    assert earned["rules"] == {"earning": 1, "tiers": 1, "partner/p": 2}


def test_the_tier_before_the_purchase_earns_and_the_purchase_itself_lifts_it() -> None:
    story = Story()
    story.purchase(at(), "o1", 1_000)
    story.purchase(at(1), "o2", 100)
    assert told(story.decide()) == [
        ("points.earned", 1_000),
        ("tier.changed", "silver"),
        ("points.released", "release"),
        ("points.earned", 150),
        ("points.released", "release"),
    ]


def test_computed_numbers_are_exact_whatever_their_size() -> None:
    largest = 2**53 - 1
    story = Story(earning={"currencies": {"EUR": {"points": largest, "per_minor": 1}}, "category_bp": {"c": largest}})
    story.purchase(at(), "o1", largest)
    assert told(story.decide())[0] == ("points.earned", largest**3 // 10_000)


def test_a_purchase_is_refused_for_currency_before_partner_before_order() -> None:
    story = Story()
    story.new_version("partner/off", at(-1), version=1, earn_bp=10_000, active=False)
    story.purchase(at(), "o1", 100)
    story.purchase(at(), "o1", 100, currency="USD", partner_id="nobody")
    story.purchase(at(), "o1", 100, partner_id="nobody")
    story.purchase(at(), "o1", 100, partner_id="off")
    story.purchase(at(), "o1", 100)
    assert dead(story.decide()) == ["unknown_currency", "unknown_partner", "unknown_partner", "duplicate_order"]


def test_points_are_released_at_the_very_millisecond() -> None:
    story = Story(earning={"pending_days": 3})
    story.purchase(at(), "o1", 100)
    story.adjustment(at(3, ms=-1), 1)
    story.adjustment(at(3), 1)
    decisions = story.decide().decisions
    assert [one["type"] for one in decisions] == [
        "points.earned",
        "points.adjusted",
        "points.released",
        "points.adjusted",
    ]
    released = decisions[2]
    assert released["occurred_at"] == "2024-02-29T00:00:00.000Z"  # a leap day
    assert released["reasons"] == [{"code": "return_window_ended", "actual": 100, "threshold": None}]
    assert released["cause"] == {
        "event_id": decisions[0]["cause"]["event_id"],
        "topic": "loyalty.transactions",
        "partition": 0,
        "offset": 0,
        "timer": "release",
    }
    assert (released["member_id"], released["subject"]) == ("m", {"order_id": "o1"})
    assert released["balance"] == {
        "pending": 0,
        "available": 101,
        "held": 0,
        "debt": 0,
        "qualifying": 100,
        "tier": "basic",
    }


def test_release_comes_before_expiry_at_the_same_millisecond() -> None:
    story = Story(earning={"pending_days": 2, "expiry_days": 2})
    story.purchase(at(), "o1", 100)
    story.adjustment(at(2), 1)
    assert told(story.decide()) == [
        ("points.earned", 100),
        ("points.released", "release"),
        ("points.expired", -100, "expiry"),
        ("points.adjusted", 1),
    ]


def test_a_purchase_from_before_the_accounts_time_is_released_and_expired_right_behind_itself() -> None:
    story = Story(lag_ms=10 * 86_400_000, earning={"pending_days": 1, "expiry_days": 2})
    story.adjustment(at(8), 1, qualifying=True)
    story.purchase(at(), "o1", 100)
    decisions = story.decide().decisions
    assert told(story.decide()) == [
        ("points.adjusted", 1),
        ("points.earned", 100),
        ("points.released", "release"),
        ("points.expired", -100, "expiry"),
    ]
    assert [one["occurred_at"][:10] for one in decisions[1:]] == ["2024-02-26", "2024-02-27", "2024-02-28"]
    assert {one["balance"]["qualifying"] for one in decisions[1:]} == {101}


def test_spending_takes_the_soonest_expiry_first_never_last_then_the_oldest() -> None:
    story = Story(lag_ms=86_400_000)
    story.new_version("earning", at(2), version=2, expiry_days=5)
    story.adjustment(at(1), 10)  # never expires
    story.adjustment(at(2, hours=1), 10)  # expires on day 7, 01:00
    story.adjustment(at(2), 10)  # older, though it came later: day 7, 00:00
    story.request(at(2, hours=2), "r", 15)
    story.commit(at(2, hours=2), "r")
    story.adjustment(at(9), 1)
    result = story.decide()
    # 10 of the oldest and 5 of the one an hour younger are spent; 5 of the latter expire; the never-expiring stay.
    assert [one["points"] for one in of_type(result, "points.expired")] == [-5]
    assert balance(result)["available"] == 11


def test_of_two_lots_that_expire_together_the_older_is_spent_first_whichever_came_first() -> None:
    story = Story(lag_ms=2 * 86_400_000, earning={"expiry_days": 6})
    story.new_version("earning", at(2), version=2, expiry_days=5)
    younger = story.adjustment(at(2), 10)  # both expire on day 7
    story.adjustment(at(1), 10)
    story.request(at(3), "r", 15)
    story.commit(at(3), "r")
    story.adjustment(at(8), 1)
    expired = of_type(story.decide(), "points.expired")
    assert [(one["points"], one["cause"]["event_id"]) for one in expired] == [(-5, younger["event_id"])]


def test_a_partial_refund_keeps_the_rounded_down_share_of_each_line() -> None:
    story = Story()
    story.purchase(at(), "o1", 10, quantity=3)
    for day in (1, 2, 3):
        story.refund(at(day), "o1", ("l0", 1))
    reversed_points = of_type(story.decide(), "points.reversed")
    # keeps ⌊10 × 2/3⌋ = 6, then 3, then 0
    assert [one["points"] for one in reversed_points] == [-4, -3, -3]
    assert [one["balance"]["qualifying"] for one in reversed_points] == [6, 3, 0]
    assert {codes(one)[0] for one in reversed_points} == {"refund"}


def test_more_units_than_are_left_change_nothing_and_a_line_named_twice_adds_up() -> None:
    story = Story()
    story.purchase(at(), "o1", 10, 20, quantity=3)
    story.refund(at(1), "o1", ("l0", 2), ("l0", 2))
    story.refund(at(1), "o1", ("l1", 1), ("l9", 1))
    story.refund(at(1), "o1", ("l0", 1), ("l0", 2), ("l1", 3))
    story.refund(at(2), "o1", ("l0", 1))
    result = story.decide()
    assert dead(result) == ["over_refund"] * 3
    assert told(result)[-1] == ("points.reversed", -30)


def test_cancelling_takes_what_is_left_and_then_nothing() -> None:
    story = Story()
    story.purchase(at(), "o1", 10, 7, quantity=2)
    story.refund(at(1), "o1", ("l1", 1))
    story.cancellation(at(2), "o1")
    story.cancellation(at(3), "o1")
    result = story.decide()
    assert [(codes(one), one["points"]) for one in of_type(result, "points.reversed")] == [
        (["refund"], -4),
        (["cancellation"], -13),
        (["cancellation"], 0),
    ]


def test_a_refund_takes_from_its_own_lot_then_from_others_in_spending_order_then_makes_debt() -> None:
    story = Story(earning={"pending_days": 1})
    story.purchase(at(), "own", 20)
    story.request(at(1), "r", 15)
    story.commit(at(1), "r")  # own: 5 left
    story.adjustment(at(1), 4)
    story.cancellation(at(1), "own")
    result = story.decide()
    assert told(result)[-1] == ("points.reversed", -20)
    assert (balance(result)["available"], balance(result)["debt"]) == (0, 11)


def test_pending_points_of_the_own_lot_are_taken_too() -> None:
    story = Story(earning={"pending_days": 5})
    story.purchase(at(), "o1", 20)
    story.adjustment(at(), 100)
    story.cancellation(at(1), "o1")
    assert balance(story.decide()) == {
        "pending": 0,
        "available": 100,
        "held": 0,
        "debt": 0,
        "qualifying": 0,
        "tier": "basic",
    }


def test_what_a_release_makes_available_pays_debt_in_the_same_decision() -> None:
    story = Story(earning={"pending_days": 1})
    story.adjustment(at(), -30)
    story.purchase(at(), "o1", 100)
    story.adjustment(at(1), 1)
    released = of_type(story.decide(), "points.released")[0]
    assert (released["points"], released["reasons"][0]["actual"]) == (0, 100)
    assert (released["balance"]["available"], released["balance"]["debt"]) == (70, 0)


def test_a_positive_adjustment_pays_debt_first() -> None:
    story = Story()
    story.adjustment(at(), -30)
    story.adjustment(at(), 20)
    story.adjustment(at(), 15)
    result = story.decide()
    assert told(result) == [("points.adjusted", -30), ("points.adjusted", 20), ("points.adjusted", 15)]
    assert [(one["balance"]["available"], one["balance"]["debt"]) for one in result.decisions] == [
        (0, 30),
        (0, 10),
        (5, 0),
    ]
    assert {one["member_id"] for one in result.decisions} == {None}
    assert all(one["subject"] == {} for one in result.decisions)


def test_floor_writes_off_what_cannot_be_taken_and_says_how_much() -> None:
    story = Story(redemption={"negative_balance": "floor"})
    story.adjustment(at(), 10)
    story.adjustment(at(), -30)
    adjusted = story.decide().decisions[-1]
    assert (adjusted["points"], adjusted["balance"]["debt"]) == (-10, 0)
    assert adjusted["evidence"] == {"late": False, "written_off": 20}


def test_each_expired_point_of_the_own_lot_is_forgiven_once() -> None:
    story = Story(earning={"expiry_days": 5})
    story.purchase(at(), "own", 30, quantity=3)
    story.request(at(1), "r", 10)
    story.commit(at(1), "r")  # 20 left
    story.adjustment(at(3), 50)
    story.refund(at(6), "own", ("l0", 1))  # 20 expired on day 5: 10 of them forgiven
    story.refund(at(6), "own", ("l0", 2))  # the other 10 forgiven, 10 from the adjustment's lot
    result = story.decide()
    assert [one["points"] for one in of_type(result, "points.reversed")] == [0, -10]
    assert balance(result)["available"] == 40


def test_held_points_of_the_own_lot_are_not_taken() -> None:
    story = Story()
    story.purchase(at(), "own", 100)
    story.request(at(0, hours=1), "r", 100)
    story.cancellation(at(0, hours=1), "own")
    story.cancel(at(0, hours=1), "r")
    result = story.decide()
    assert told(result)[-2:] == [("points.reversed", -100), ("redemption.released",)]
    assert of_type(result, "points.reversed")[0]["balance"]["debt"] == 100
    assert (balance(result)["held"], balance(result)["available"], balance(result)["debt"]) == (0, 0, 0)


def test_points_given_back_pay_debt_in_spending_order() -> None:
    story = Story()
    story.adjustment(at(), 10)  # never expires
    story.new_version("earning", at(1), version=2, expiry_days=4)
    story.adjustment(at(1), 10)  # expires on day 5: spent first
    story.request(at(2), "r", 20)
    story.commit(at(2), "r")
    story.adjustment(at(3), -13)
    story.cancel(at(4), "r")  # 10 of the expiring lot and 3 of the other pay the debt
    story.adjustment(at(6), 1)
    result = story.decide()
    assert of_type(result, "redemption.released")[0]["points"] == 20
    assert of_type(result, "points.expired") == []
    assert balance(result)["available"] == 8


def test_points_given_back_to_an_expired_lot_pay_debt_and_the_rest_expires_before_the_reward_is_revoked() -> None:
    story = Story(earning={"expiry_days": 5})
    story.purchase(at(), "o1", 20)
    story.request(at(1), "r", 20)
    story.commit(at(1), "r")
    story.adjustment(at(6), -8)
    cancelled = story.cancel(at(7), "r")
    result = story.decide()
    assert told(result)[-4:] == [
        ("points.adjusted", -8),
        ("redemption.released", 20),
        ("points.expired", -12),
        ("reward.revoked",),
    ]
    released, expired, revoked = result.decisions[-3:]
    assert (released["balance"]["available"], released["balance"]["debt"]) == (12, 0)
    assert expired["cause"] == released["cause"] == revoked["cause"]
    assert expired["cause"]["event_id"] == cancelled["event_id"]
    assert expired["subject"] == {"order_id": "o1"}


def test_points_that_expired_again_are_forgiven_as_well() -> None:
    story = Story(earning={"expiry_days": 5})
    story.purchase(at(), "own", 20)
    story.request(at(1), "r", 20)
    story.commit(at(1), "r")
    story.cancel(at(7), "r")
    story.cancellation(at(8), "own")
    assert told(story.decide())[-1] == ("points.reversed",)


def test_an_order_is_known_until_refund_days_have_passed_and_its_id_is_free_then() -> None:
    story = Story(earning={"refund_days": 5})
    story.purchase(at(), "o1", 10, quantity=2)
    story.refund(at(5, ms=-1), "o1", ("l0", 1))
    story.refund(at(5), "o1", ("l0", 1))  # waits, not known any more
    story.purchase(at(5), "o1", 40, quantity=2)  # a new order of that name, with the refund right behind
    result = story.decide()
    assert told(result)[2:] == [
        ("points.reversed", -5),
        ("points.earned", 40),
        ("points.reversed", -20),
        ("points.released", "release"),
    ]


def test_qualifying_points_are_never_shown_below_zero() -> None:
    story = Story()
    story.adjustment(at(), -500, qualifying=True)
    story.purchase(at(1), "o1", 600)
    assert [one["balance"]["qualifying"] for one in story.decide().decisions] == [0, 100, 100]
