"""Tiers and grace of the oracle, against moments worked out by hand from contract §4."""

from .stories import Plain, Story, at, balance, codes, dead, of_type, told

FLAT = [
    {"tier": "basic", "threshold": 0, "earn_bp": 10_000},
    {"tier": "silver", "threshold": 1_000, "earn_bp": 10_000},
    {"tier": "gold", "threshold": 2_000, "earn_bp": 10_000},
]


def flat_story(lag_ms: int = 0, **changed: Plain) -> Story:
    """Every tier earns alike, so that qualifying points are the points."""
    return Story(lag_ms, tiers={"levels": FLAT}, **changed)


def tiers_told(story: Story) -> list[tuple[str, str, str, str]]:
    """Type, outcome, reason and moment of each tier decision."""
    return [
        (one["type"], one["outcome"], codes(one)[0], one["occurred_at"])
        for one in story.decide().decisions
        if one["type"].startswith("tier.")
    ]


def test_an_account_starts_in_the_first_level_without_a_decision() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 999)
    result = story.decide()
    assert told(result) == [("points.earned", 999), ("points.released", "release")]
    assert balance(result)["tier"] == "basic"


def test_a_threshold_reached_exactly_lifts_at_once() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 999)
    story.adjustment(at(), 1, qualifying=True)
    changed = of_type(story.decide(), "tier.changed")[0]
    assert (changed["outcome"], changed["points"], changed["subject"], changed["member_id"]) == ("silver", 0, {}, None)
    assert changed["reasons"] == [{"code": "threshold_reached", "actual": 1_000, "threshold": 1_000}]
    assert changed["rules"] == {"tiers": 1}


def test_grace_starts_when_the_window_slides_and_the_tier_falls_when_grace_days_have_passed() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_500)
    story.adjustment(at(13, ms=-1), 1)
    story.adjustment(at(13), 1)
    assert told(story.decide())[1:] == [
        ("tier.changed", "silver"),
        ("points.released", "release"),
        ("tier.grace", "started", "slide"),
        ("points.adjusted", 1),
        ("tier.changed", "basic", "grace"),
        ("points.adjusted", 1),
    ]
    assert tiers_told(story)[1:] == [
        ("tier.grace", "started", "window_slid", "2024-03-07T00:00:00.000Z"),  # day 10
        ("tier.changed", "basic", "grace_ended", "2024-03-10T00:00:00.000Z"),  # day 13
    ]


def test_points_count_to_the_last_millisecond_of_their_window() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_500)
    story.adjustment(at(10, ms=-1), 1)
    assert balance(story.decide())["qualifying"] == 1_500
    story.adjustment(at(10), 1)
    assert balance(story.decide())["qualifying"] == 0


def test_a_regained_threshold_ends_the_grace() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_500)
    story.purchase(at(12), "o2", 1_000)
    story.adjustment(at(14), 1)
    assert [one[:3] for one in tiers_told(story)[1:]] == [
        ("tier.grace", "started", "window_slid"),
        ("tier.grace", "ended", "threshold_reached"),
    ]


def test_from_grace_straight_to_a_higher_level_ends_it_first() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_500)
    story.purchase(at(12), "o2", 2_000)
    assert [one[:3] for one in tiers_told(story)[2:]] == [
        ("tier.grace", "ended", "threshold_reached"),
        ("tier.changed", "gold", "threshold_reached"),
    ]


def test_a_fall_goes_to_the_level_then_reached() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_000)
    story.purchase(at(5), "o2", 1_000)
    story.adjustment(at(14), 1)
    assert [one[:3] for one in tiers_told(story)] == [
        ("tier.changed", "silver", "threshold_reached"),
        ("tier.changed", "gold", "threshold_reached"),
        ("tier.grace", "started", "window_slid"),
        ("tier.changed", "silver", "grace_ended"),
    ]


def test_without_grace_days_the_tier_falls_at_the_slide_itself() -> None:
    story = Story(tiers={"levels": FLAT, "grace_days": 0})
    story.purchase(at(), "o1", 1_000)
    story.adjustment(at(10), 1)
    assert told(story.decide())[3:5] == [("tier.grace", "started", "slide"), ("tier.changed", "basic", "grace")]


def test_a_reversal_takes_the_tier_down_at_once() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_000)
    story.purchase(at(1), "o2", 1_500)
    story.cancellation(at(2), "o2")
    assert told(story.decide())[-2:] == [("points.reversed", -1_500), ("tier.changed", "silver")]
    assert tiers_told(story)[-1][2] == "points_reversed"


def test_a_negative_qualifying_adjustment_takes_the_tier_down_at_once() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_000)
    story.adjustment(at(1), -1)
    assert balance(story.decide())["tier"] == "silver"
    story.adjustment(at(1), -1, qualifying=True)
    assert balance(story.decide())["tier"] == "basic"


def test_a_refund_of_a_purchase_that_left_the_window_does_not_touch_the_tier() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_000)
    story.purchase(at(5), "o2", 1_000)
    story.purchase(at(8), "o3", 1_000)
    story.cancellation(at(11), "o1")
    result = story.decide()
    assert told(result)[-1] == ("points.reversed", -1_000)
    assert balance(result)["qualifying"] == 2_000


def test_an_account_in_grace_stays_in_it_when_points_are_reversed() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_000)
    story.purchase(at(5), "o2", 500)
    story.cancellation(at(11), "o2")
    story.adjustment(at(13), 1)
    assert [one[:3] for one in tiers_told(story)[1:]] == [
        ("tier.grace", "started", "window_slid"),
        ("tier.changed", "basic", "grace_ended"),
    ]


def test_other_rules_are_noticed_at_the_next_used_event_behind_its_points() -> None:
    story = flat_story()
    harder = [FLAT[0], {**FLAT[1], "threshold": 1_200}, FLAT[2]]
    story.new_version("tiers", at(2), levels=harder, grace_days=1)
    story.purchase(at(), "o1", 1_000)
    story.commit(at(3), "nothing")  # a dead letter notices nothing
    story.adjustment(at(4), 10)
    story.adjustment(at(5), 10)
    result = story.decide()
    assert dead(result) == ["unknown_redemption"]
    assert told(result)[3:] == [
        ("points.adjusted", 10),
        ("tier.grace", "started"),
        ("tier.changed", "basic", "grace"),
        ("points.adjusted", 10),
    ]
    grace = of_type(result, "tier.grace")[0]
    assert grace["reasons"] == [{"code": "rules_changed", "actual": 1_000, "threshold": 1_200}]
    assert grace["rules"] == {"tiers": 2}


def test_other_rules_are_noticed_before_the_redemption_that_shows_them() -> None:
    story = flat_story()
    story.new_version("tiers", at(2), levels=[FLAT[0], {**FLAT[1], "threshold": 900}, {**FLAT[2], "threshold": 1_000}])
    story.purchase(at(), "o1", 1_000)
    story.request(at(3), "r", 20)
    assert told(story.decide())[3:] == [("tier.changed", "gold"), ("redemption.decided", "approved")]


def test_other_rules_are_noticed_by_a_due_thing_that_decides_something() -> None:
    story = flat_story(earning={"pending_days": 3})
    story.new_version("tiers", at(2), window_days=10, levels=[FLAT[0], {**FLAT[1], "threshold": 1_200}, FLAT[2]])
    story.purchase(at(), "o1", 1_000)
    story.commit(at(4), "nothing")
    assert told(story.decide())[2:] == [("points.released", "release"), ("tier.grace", "started", "release")]


def test_a_slide_that_finds_the_account_below_by_other_rules_already_says_so() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 10)
    story.purchase(at(1), "o2", 1_000)
    story.new_version("tiers", at(2), levels=[FLAT[0], {**FLAT[1], "threshold": 1_200}, FLAT[2]])
    story.commit(at(10, hours=1), "nothing")  # on day 10 the 10 points slide
    assert tiers_told(story)[1:] == [("tier.grace", "started", "rules_changed", "2024-03-07T00:00:00.000Z")]


def test_a_release_at_the_millisecond_of_a_slide_leaves_the_grace_to_the_slide() -> None:
    story = flat_story(earning={"pending_days": 10})
    story.purchase(at(), "o1", 1_000)
    story.adjustment(at(10), 1)
    result = story.decide()
    assert told(result)[2:4] == [("points.released", "release"), ("tier.grace", "started", "slide")]
    assert of_type(result, "points.released")[0]["balance"]["qualifying"] == 1_000
    assert of_type(result, "tier.grace")[0]["balance"]["qualifying"] == 0


def test_a_hold_and_a_lot_that_end_at_the_millisecond_of_a_slide_still_show_what_slides() -> None:
    story = flat_story(earning={"expiry_days": 10}, redemption={"hold_minutes": 24 * 60})
    story.purchase(at(), "o1", 1_000)
    story.request(at(9), "r", 100)
    story.adjustment(at(10, ms=1), 1)
    result = story.decide()
    shown = [
        (*one, decision["balance"]["qualifying"]) for one, decision in zip(told(result), result.decisions, strict=True)
    ]
    assert shown[4:] == [
        ("redemption.released", "hold", 1_000),
        ("points.expired", -1_000, "expiry", 1_000),
        ("tier.grace", "started", "slide", 0),
        ("points.adjusted", 1, 0),
    ]


def test_an_event_at_the_millisecond_of_a_slide_finds_the_window_slid() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_000)
    story.adjustment(at(10), 1)
    result = story.decide()
    assert told(result)[-2:] == [("tier.grace", "started", "slide"), ("points.adjusted", 1)]
    assert balance(result)["qualifying"] == 0


def test_grace_counts_from_the_accounts_time_where_an_event_out_of_order_starts_it() -> None:
    story = flat_story(lag_ms=20 * 86_400_000)
    story.purchase(at(), "o1", 1_000)
    story.new_version("tiers", at(2), levels=[FLAT[0], {**FLAT[1], "threshold": 1_200}, FLAT[2]])
    story.commit(at(8), "nothing")  # takes the account's time there and notices nothing
    story.adjustment(at(3), 1)
    story.adjustment(at(11, ms=-1), 1)
    story.adjustment(at(11), 1)
    assert told(story.decide())[3:] == [
        ("points.adjusted", 1),
        ("tier.grace", "started"),
        ("points.adjusted", 1),
        ("tier.changed", "basic", "grace"),
        ("points.adjusted", 1),
    ]
    assert [one[3][:10] for one in tiers_told(story)[1:]] == ["2024-02-29", "2024-03-08"]  # days 3 and 11


def test_a_shorter_window_drops_points_by_rule_and_a_longer_one_brings_them_back() -> None:
    story = flat_story()
    story.new_version("tiers", at(4), version=2, window_days=3, levels=FLAT)
    story.new_version("tiers", at(6), version=3, window_days=30, levels=FLAT)
    story.purchase(at(), "o1", 1_000)
    story.adjustment(at(5), 1)
    story.adjustment(at(7), 1)
    assert [one[:3] for one in tiers_told(story)[1:]] == [
        ("tier.grace", "started", "rules_changed"),
        ("tier.grace", "ended", "threshold_reached"),
    ]


def test_points_that_a_longer_window_never_took_in_again_do_not_leave_it() -> None:
    story = flat_story(earning={"pending_days": 1})
    story.new_version("tiers", at(-100), version=1, window_days=1, levels=FLAT)
    story.new_version("tiers", at(5), version=2, window_days=5, levels=FLAT)
    story.purchase(at(), "o1", 500)
    story.purchase(at(4), "o2", 1)  # its points are released on day 5
    story.adjustment(at(6), 1)
    released = of_type(story.decide(), "points.released")[1]
    assert released["balance"]["qualifying"] == 1


def test_other_rules_are_noticed_before_the_hold_whose_end_shows_them() -> None:
    story = flat_story(redemption={"hold_minutes": 2 * 24 * 60})
    story.new_version("tiers", at(2), levels=[FLAT[0], {**FLAT[1], "threshold": 900}, {**FLAT[2], "threshold": 1_000}])
    story.purchase(at(), "o1", 1_000)
    story.request(at(1), "r", 20)
    story.commit(at(4), "r")
    assert told(story.decide())[3:] == [
        ("redemption.decided", "approved"),
        ("tier.changed", "gold", "hold"),
        ("redemption.released", "hold"),
    ]


def test_tiers_are_never_judged_at_a_moment_before_a_decision_already_made() -> None:
    story = flat_story()
    story.purchase(at(), "o1", 1_000)
    story.adjustment(at(11), 1, account_id="other")  # the watermark slides the window on day 10
    story.adjustment(at(9), 1)  # late
    result = story.decide()
    assert told(result)[3:] == [("tier.grace", "started", "slide"), ("points.adjusted", 1)]
    assert balance(result)["qualifying"] == 0


def test_a_negative_adjustment_that_slides_out_lifts_the_tier() -> None:
    story = flat_story()
    story.adjustment(at(), -500, qualifying=True)
    story.purchase(at(1), "o1", 1_200)
    story.adjustment(at(10), 1)
    assert tiers_told(story) == [("tier.changed", "silver", "threshold_reached", "2024-03-07T00:00:00.000Z")]


def test_an_event_from_before_the_accounts_time_is_judged_at_the_accounts_time() -> None:
    story = flat_story(lag_ms=20 * 86_400_000)
    story.purchase(at(12), "o1", 1_000)
    story.purchase(at(2), "o2", 1_500)  # its window ended on day 12, not included
    story.purchase(at(2, ms=1), "o3", 1_000)
    result = story.decide()
    assert [one["balance"]["qualifying"] for one in of_type(result, "points.earned")] == [1_000, 1_000, 2_000]
