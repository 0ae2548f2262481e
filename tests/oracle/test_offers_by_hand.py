"""Offers, taking them up and undoing them, of the oracle, against what contract §4 says, worked out by hand."""

import json

from .offer_stories import EMPTY, OfferStory, outcomes
from .stories import at, balance, codes, dead, of_type, told
from .wire import time_text

# Which campaigns fit


def test_a_made_offer_says_everything_that_the_contract_asks_for() -> None:
    story = OfferStory()
    story.campaign()
    click = story.engage(at(1))
    assert story.offers().decisions == [
        {
            "stream": "offers",
            "sequence": 1,
            "type": "offer.decided",
            "outcome": "made",
            "account_id": "a",
            "member_id": "m",
            "subject": {"offer_id": "double"},
            "occurred_at": "2024-02-27T00:00:00.000Z",
            "points": 0,
            "balance": EMPTY,
            "reasons": [{"code": "offered", "actual": None, "threshold": None}],
            "cause": {"event_id": click["event_id"], "topic": "loyalty.engagements", "partition": 0, "offset": 0},
            "rules": {"campaign/spring": 1},
            "evidence": {"late": False},
        }
    ]


def test_a_campaign_is_active_from_its_first_millisecond_up_to_not_including_its_last() -> None:
    story = OfferStory()
    story.campaign(active_from=time_text(at(2)), active_to=time_text(at(3)), max_per_member=9)
    for moment in (at(2, ms=-1), at(2), at(3, ms=-1), at(3)):
        story.engage(moment)
    offering = story.offers()
    assert [one["occurred_at"] for one in offering.decisions] == [time_text(at(2)), time_text(at(3, ms=-1))]
    assert [offset for _, _, offset in offering.unmatched] == [0, 3]
    assert [offset for _, _, offset in offering.used] == [1, 2]


def test_only_the_campaigns_triggers_trigger_it() -> None:
    story = OfferStory()
    story.campaign(triggers=["open", "store_visit"], max_per_member=9)
    for kind in ("click", "open", "app_session", "store_visit", "campaign_interaction"):
        story.engage(at(1), kind)
    assert [offset for _, _, offset in story.offers().used] == [1, 3]


def test_the_version_in_force_at_the_engagement_counts_also_when_it_comes_out_of_order() -> None:
    story = OfferStory()
    story.campaign(max_per_member=9)
    story.campaign(version=2, effective_from=at(5), triggers=["open"], max_per_member=9)
    story.engage(at(5), "open")
    story.engage(at(5), "click")
    story.engage(at(5, ms=-1), "click")
    assert [one["rules"] for one in story.offers().decisions] == [{"campaign/spring": 2}, {"campaign/spring": 1}]


def test_the_tier_is_that_of_the_engagements_own_time() -> None:
    story = OfferStory()
    story.campaign("silver", tiers=["silver", "gold"], max_per_member=9)
    story.campaign("basic", tiers=["basic"], max_per_member=9)
    story.holds("silver", at(2), sequence=7, available=20)
    story.holds("basic", at(1), sequence=3)
    story.holds("basic", at(4), sequence=9, pending=5)
    for moment in (at(0), at(2, ms=-1), at(2), at(4, ms=-1), at(4)):
        story.engage(moment)
    offering = story.offers()
    assert outcomes(offering) == ["basic made", "basic made", "silver made", "silver made", "basic made"]
    assert {one["balance"]["pending"] for one in offering.decisions} == {5}  # the last known, whatever the time


# Consent


def test_without_consent_every_fitting_campaign_is_suppressed() -> None:
    story = OfferStory(agreed=False)
    story.campaign("a", priority=1)
    story.campaign("b", priority=2)
    story.campaign("c", triggers=["open"])
    story.engage(at(1))
    assert outcomes(story.offers()) == ["b no_consent", "a no_consent"]


def test_consent_counts_from_its_own_time_and_a_withdrawal_stops_the_very_next_offer() -> None:
    story = OfferStory(agreed=False)
    story.campaign(max_per_member=9)
    story.consent(at(4), offers=False)  # arrives first, and is the later one
    story.consent(at(2))
    for moment in (at(2, ms=-1), at(2), at(4, ms=-1), at(4), at(9), at(3)):
        story.engage(moment)
    made, suppressed = "spring made", "spring no_consent"
    assert outcomes(story.offers()) == [suppressed, made, made, suppressed, suppressed, made]


def test_of_two_consents_of_one_moment_the_last_to_arrive_counts() -> None:
    story = OfferStory(agreed=False)
    story.campaign(max_per_member=9)
    story.consent(at(1), offers=False)
    story.consent(at(1), offers=True)
    story.consent(at(1), offers=False, member_id="n")
    story.engage(at(1))
    assert outcomes(story.offers()) == ["spring made"]


def test_a_suppressed_offer_uses_neither_cap_nor_budget() -> None:
    story = OfferStory(agreed=False)
    story.campaign(budget_points=50)
    story.consent(at(2))
    story.engage(at(1))
    story.engage(at(2))
    assert outcomes(story.offers()) == ["spring no_consent", "spring made"]


# Priority, cap, budget


def test_one_offer_an_event_goes_to_the_highest_priority_then_to_the_first_name() -> None:
    story = OfferStory()
    story.campaign("c", priority=-5)
    story.campaign("b", priority=7)
    story.campaign("a", priority=7)
    story.campaign("d", priority=8)
    story.engage(at(1))
    story.engage(at(1))
    story.engage(at(1))
    offering = story.offers()
    assert outcomes(offering) == [
        *("d made", "a lower_priority", "b lower_priority", "c lower_priority"),
        *("d cap_reached", "a made", "b lower_priority", "c lower_priority"),
        *("d cap_reached", "a cap_reached", "b made", "c lower_priority"),
    ]
    assert [one["sequence"] for one in offering.decisions] == list(range(1, 13))


def test_a_cap_counts_the_window_that_ends_with_the_engagement_to_the_millisecond() -> None:
    story = OfferStory()
    story.campaign(max_per_member=2, window_days=3)
    for moment in (at(1), at(2), at(4, ms=-1), at(4), at(4)):
        story.engage(moment)
    made, capped = "spring made", "spring cap_reached"
    assert outcomes(story.offers()) == [made, made, capped, made, capped]


def test_an_engagement_out_of_order_is_refused_where_it_would_put_a_later_window_over_the_cap() -> None:
    story = OfferStory()
    story.campaign(max_per_member=2, window_days=3)
    # With 7, 8: 5 is in (5, 8]? no. 5 + 1 ms is, beside 7 and 8.
    for moment in (at(7), at(8), at(5, ms=1), at(5), at(4), at(4)):
        story.engage(moment)
    made, capped = "spring made", "spring cap_reached"
    assert outcomes(story.offers()) == [made, made, capped, made, made, capped]


def test_a_cap_is_of_each_member_and_shared_by_the_versions() -> None:
    story = OfferStory()
    story.consent(at(-1), member_id="n")
    story.campaign()
    story.campaign(version=2, effective_from=at(5), max_per_member=2)
    for moment, member_id in ((at(4), "m"), (at(4), "n"), (at(4), "n"), (at(5), "m"), (at(5), "m")):
        story.engage(moment, member_id=member_id)
    offering = story.offers()
    assert outcomes(offering) == ["spring made", "spring made", "spring cap_reached"]
    assert outcomes(offering, "n") == ["spring made", "spring cap_reached"]
    assert [one["sequence"] for one in offering.decisions] == [1, 1, 2, 2, 3]


def test_a_cap_of_none_makes_none_and_says_so_before_the_budget() -> None:
    story = OfferStory()
    story.campaign("none", max_per_member=0, budget_points=0)
    story.campaign("poor", budget_points=49)
    story.engage(at(1))
    assert outcomes(story.offers()) == ["none cap_reached", "poor budget_exhausted"]


def test_a_budget_is_spent_in_the_order_of_arrival_by_all_members_and_to_the_last_point() -> None:
    story = OfferStory()
    story.campaign(budget_points=150, max_per_member=9)
    story.campaign(version=2, effective_from=at(5), budget_points=199, bonus_points=30, max_per_member=9)
    story.consent(at(-1), member_id="n")
    moments = ((at(3), "m"), (at(1), "n"), (at(5), "m"), (at(5), "n"), (at(4), "m"))
    for moment, member_id in moments:  # 50, 100, 130, 160, and then 50 more than the 150 of the first version
        story.engage(moment, member_id=member_id)
    offering = story.offers()
    assert outcomes(offering) == ["spring made", "spring made", "spring budget_exhausted"]
    assert outcomes(offering, "n") == ["spring made", "spring made"]


def test_a_campaign_of_its_own_reason_says_it_also_behind_the_one_that_is_made() -> None:
    story = OfferStory()
    story.campaign("first", priority=3, max_per_member=9)
    story.campaign("second", priority=2, budget_points=10)
    story.campaign("third", priority=1, max_per_member=0)
    story.engage(at(1))
    assert outcomes(story.offers()) == ["first made", "second budget_exhausted", "third cap_reached"]


# Duplicates and dead letters


def test_the_checks_of_an_engagement_come_in_the_contracts_order() -> None:
    story = OfferStory()
    story.campaign()
    event = story.engage(at(1))
    story.engage_by_bytes(None)
    story.engage_by_bytes(b"{", key=b"z")
    story.engage_by_bytes(json.dumps({**event, "type": "purchase"}).encode(), key=b"z")
    story.engage_by_bytes(json.dumps({**event, "occurred_at": time_text(at(9))}).encode(), key=b"a")
    story.engage_by_bytes(json.dumps({**event, "occurred_at": time_text(at(9))}).encode(), moment=at(8))
    story.engage_by_bytes(json.dumps({**event, "channel": "push"}).encode(), moment=at(1, minutes=-5))
    story.engage_by_bytes(json.dumps(dict(reversed(event.items()))).encode(), moment=at(1, minutes=-5))
    story.engage_by_bytes(json.dumps(event).encode(), moment=at(1, minutes=-5, ms=-1))
    offering = story.offers()
    assert [(one["offset"], one["reason"]) for one in offering.dead_letters] == [
        (1, "malformed_json"),
        (2, "malformed_json"),
        (3, "schema_violation"),
        (4, "key_mismatch"),
        (5, "too_early"),
        (6, "conflicting_duplicate"),
        (8, "too_early"),
    ]
    assert [offset for _, _, offset in offering.duplicates] == [7]
    assert outcomes(offering) == ["spring made"]


def test_a_used_engagement_is_remembered_for_35_days_of_its_members_time() -> None:
    story = OfferStory()
    story.campaign(max_per_member=99)
    story.engage(at(1), event_id="once")
    story.engage(at(36, ms=-1))
    story.engage(at(1), event_id="once")
    story.engage(at(1), event_id="once", member_id="n")  # another member's ids are its own
    story.engage(at(36))
    story.engage(at(1), event_id="once")
    offering = story.offers()
    assert [offset for _, _, offset in offering.duplicates] == [2]
    assert [offset for _, _, offset in offering.used] == [0, 1, 3, 4, 5]


def test_an_engagement_that_fits_no_campaign_is_forgotten_and_moves_no_time() -> None:
    story = OfferStory()
    story.campaign(max_per_member=99)
    story.engage(at(1), event_id="known")
    story.engage(at(90), "open", event_id="unmatched")
    story.engage(at(91), "click", event_id="unmatched")
    story.engage(at(1), event_id="known")
    offering = story.offers()
    assert [offset for _, _, offset in offering.unmatched] == [1]
    assert [offset for _, _, offset in offering.used] == [0, 2, 3]
    story.engagements.pop(2)
    assert [offset for _, _, offset in story.offers().duplicates] == [3]


def test_what_no_trigger_or_dates_fit_is_passed_over_before_duplicates_and_what_no_tier_fits_behind_them() -> None:
    story = OfferStory()
    story.campaign()
    story.campaign("gold", triggers=["open"], tiers=["gold"])
    story.engage(at(1), event_id="known")
    story.engage(at(1), "store_visit", event_id="known")
    story.engage(at(1), "open", event_id="known")
    story.engage(at(1), "open")
    offering = story.offers()
    assert [offset for _, _, offset in offering.unmatched] == [1, 3]
    assert [(one["offset"], one["reason"]) for one in offering.dead_letters] == [(2, "conflicting_duplicate")]


def test_before_the_first_tiers_nothing_fits() -> None:
    story = OfferStory()
    story.campaign(active_from=time_text(at(-200)), effective_from=at(-200))
    story.engage(at(-100, ms=-1))
    assert len(story.offers().unmatched) == 1


def test_the_member_agrees_and_is_capped_and_counted_whatever_account_is_named() -> None:
    story = OfferStory()
    story.campaign(max_per_member=2)
    for account_id in ("a", "b", "c"):
        story.engage(at(1), account_id=account_id, event_id="once")
    offering = story.offers()
    assert outcomes(offering) == ["spring made", "spring made", "spring cap_reached"]
    assert [one["sequence"] for one in offering.decisions] == [1, 2, 3]


# Taking up


def test_the_first_large_enough_purchase_takes_an_offer_up_once() -> None:
    story = OfferStory(earning={"pending_days": 2, "expiry_days": 20})
    story.campaign()
    story.engage(at(1))
    story.purchase(at(2), "small", 600, 399)
    story.purchase(at(3), "large", 600, 400)
    story.purchase(at(4), "again", 1_000)
    result = story.decide_with_offers()
    assert told(result) == [
        ("points.earned", 999),
        ("points.earned", 1_000),
        ("points.earned", 50),
        ("tier.changed", "silver"),
        ("reward.issued",),
        ("points.released", "release"),
        ("points.earned", 1_500),
        ("tier.changed", "gold"),
    ]
    bonus, issued = result.decisions[2], result.decisions[4]
    assert (bonus["subject"], bonus["member_id"]) == ({"order_id": "large", "offer_id": "double"}, "m")
    assert (codes(bonus), bonus["rules"]) == (["offer_bonus"], {"earning": 1, "campaign/spring": 1})
    assert bonus["balance"] == {**EMPTY, "pending": 2_049, "qualifying": 1_999}
    assert (issued["subject"], issued["member_id"]) == ({"offer_id": "double", "order_id": "large"}, "m")
    assert (codes(issued), issued["points"], issued["balance"]["tier"]) == (["offer_taken"], 0, "silver")
    assert bonus["cause"] == issued["cause"] == result.decisions[1]["cause"]


def test_the_bonus_is_a_lot_of_its_own_that_is_released_and_expires_behind_its_orders() -> None:
    story = OfferStory(earning={"pending_days": 2, "expiry_days": 3})
    story.campaign()
    story.engage(at(1))
    story.purchase(at(1), "o", 1_000)
    story.adjustment(at(9), 1)
    result = story.decide_with_offers()
    assert [(one["type"], one["points"], one["subject"], one["occurred_at"]) for one in result.decisions[4:8]] == [
        ("points.released", 0, {"order_id": "o"}, time_text(at(3))),
        ("points.released", 0, {"order_id": "o", "offer_id": "double"}, time_text(at(3))),
        ("points.expired", -1_000, {"order_id": "o"}, time_text(at(4))),
        ("points.expired", -50, {"order_id": "o", "offer_id": "double"}, time_text(at(4))),
    ]
    assert [one["reasons"][0]["actual"] for one in result.decisions[4:6]] == [1_000, 50]


def test_an_offer_is_open_from_its_moment_up_to_not_including_the_end_of_its_days() -> None:
    for moment, bonuses in ((at(1, ms=-1), 0), (at(1), 1), (at(8, ms=-1), 1), (at(8), 0)):
        story = OfferStory()
        story.campaign()
        story.engage(at(1))
        story.purchase(moment, "o", 1_000)
        assert len(of_type(story.decide_with_offers(), "reward.issued")) == bonuses


def test_only_the_member_of_the_offer_and_only_on_its_account_takes_it_up() -> None:
    story = OfferStory()
    story.campaign()
    story.engage(at(1))
    story.purchase(at(2), "o1", 1_000, member_id="n")
    story.purchase(at(2), "o2", 1_000, account_id="b")
    story.purchase(at(2), "o3", 1_000, currency="USD")  # a dead letter
    story.purchase(at(3), "o4", 1_000)
    result = story.decide_with_offers()
    assert [one["subject"]["order_id"] for one in of_type(result, "reward.issued")] == ["o4"]
    assert dead(result) == ["unknown_currency"]


def test_a_purchase_takes_up_all_open_offers_oldest_first() -> None:
    story = OfferStory()
    story.campaign("late", offer_id="late", bonus_points=7, triggers=["open"], active_from=time_text(at(2)))
    story.campaign("early", offer_id="early", bonus_points=5, triggers=["click"])
    story.campaign("large", offer_id="large", triggers=["store_visit"], min_amount=1_001)
    story.engage(at(3), "open")
    story.engage(at(2), "click")
    story.engage(at(1), "store_visit")
    story.purchase(at(4), "o", 1_000)
    result = story.decide_with_offers()
    assert told(result)[:6] == [
        ("points.earned", 1_000),
        ("points.earned", 5),
        ("points.earned", 7),
        ("tier.changed", "silver"),
        ("reward.issued",),
        ("reward.issued",),
    ]
    assert [one["subject"]["offer_id"] for one in of_type(result, "reward.issued")] == ["early", "late"]


def test_the_terms_are_those_of_the_version_that_made_the_offer() -> None:
    story = OfferStory()
    story.campaign()
    story.campaign(version=2, effective_from=at(2), bonus_points=9, min_amount=1, valid_days=99)
    story.engage(at(1))
    story.purchase(at(2), "o1", 999)
    story.purchase(at(3), "o2", 1_000)
    assert [one["points"] for one in of_type(story.decide_with_offers(), "points.earned")] == [999, 1_000, 50]


def test_an_offer_that_arrives_behind_a_purchase_waits_for_the_next_and_coming_again_gives_nothing() -> None:
    story = OfferStory()
    story.campaign()
    story.engage(at(1))
    [decision] = story.offers().decisions
    story.purchase(at(2), "before", 1_000)
    story.transactions.append(story.written(decision))
    story.purchase(at(2), "after", 1_000)
    story.transactions.append(story.written(decision))
    story.purchase(at(2), "again", 1_000)
    assert [one["subject"]["order_id"] for one in of_type(story.decide(), "reward.issued")] == ["after"]


# Undoing


def test_a_refund_below_the_amount_takes_the_whole_bonus_back_behind_the_orders_own() -> None:
    story = OfferStory(earning={"pending_days": 5})
    story.campaign(min_amount=1_000)
    story.engage(at(1))
    story.purchase(at(1), "o", 900, 300, quantity=3)
    story.refund(at(2), "o", ("l1", 2))  # 900 + 100 = 1 000 are left
    story.refund(at(3), "o", ("l1", 1))
    story.refund(at(4), "o", ("l0", 1))
    result = story.decide_with_offers()
    assert told(result) == [
        ("points.earned", 1_200),
        ("points.earned", 50),
        ("tier.changed", "silver"),
        ("reward.issued",),
        ("points.reversed", -200),
        ("points.reversed", -100),
        ("points.reversed", -50),
        ("tier.changed", "basic"),
        ("reward.revoked",),
        ("points.reversed", -300),
    ]
    own, bonus, _, revoked = result.decisions[5:9]
    assert (own["subject"], bonus["subject"]) == ({"order_id": "o"}, {"order_id": "o", "offer_id": "double"})
    assert (codes(own), codes(bonus), codes(revoked)) == (["refund"], ["refund"], ["order_reversed"])
    assert (revoked["subject"], revoked["member_id"]) == ({"offer_id": "double", "order_id": "o"}, "m")
    assert balance(result)["pending"] == 600


def test_what_is_left_of_a_line_is_rounded_down() -> None:
    for left, revoked in ((1_000, 1), (999, 0)):  # 2 of 3 units of 1 499 are 999 and a third
        story = OfferStory()
        story.campaign(min_amount=left)
        story.engage(at(1))
        story.purchase(at(1), "o", 1_499, quantity=3)
        story.refund(at(2), "o", ("l0", 1))
        assert len(of_type(story.decide_with_offers(), "reward.revoked")) == revoked


def test_a_cancellation_undoes_the_bonus_whatever_the_amount_and_the_offer_stays_taken() -> None:
    story = OfferStory()
    story.campaign(min_amount=0)
    story.engage(at(1))
    story.purchase(at(1), "o1", 10)
    story.refund(at(1), "o1", ("l0", 1))  # 0 are left, which is not below 0
    story.cancellation(at(2), "o1")
    story.cancellation(at(2), "o1")
    story.purchase(at(3), "o2", 10)
    assert told(story.decide_with_offers()) == [
        ("points.earned", 10),
        ("points.earned", 50),
        ("reward.issued",),
        ("points.released", "release"),
        ("points.released", "release"),
        ("points.reversed", -10),
        ("points.reversed",),
        ("points.reversed", -50),
        ("reward.revoked",),
        ("points.reversed",),
        ("points.earned", 10),
        ("points.released", "release"),
    ]


def test_a_spent_bonus_is_owed() -> None:
    story = OfferStory()
    story.campaign(bonus_points=100)
    story.engage(at(1))
    story.new_version("partner/none", at(-1), version=1, earn_bp=0, active=True)
    story.purchase(at(1), "o", 1_000, partner_id="none")
    story.request(at(2), "r", 100)
    story.commit(at(2), "r")
    story.cancellation(at(3), "o")
    result = story.decide_with_offers()
    assert [(one["points"], one["balance"]["debt"]) for one in of_type(result, "points.reversed")] == [
        (0, 0),
        (-100, 100),
    ]


def test_points_of_a_bonus_that_have_expired_are_forgiven_once() -> None:
    story = OfferStory(earning={"expiry_days": 5})
    story.new_version("partner/none", at(-1), version=1, earn_bp=0, active=True)
    story.campaign(bonus_points=100)
    story.engage(at(1))
    story.purchase(at(1), "o", 1_000, partner_id="none")
    story.request(at(2), "r15", 15)
    story.commit(at(2), "r15")
    story.adjustment(at(3), 40)  # expires on day 8, the bonus' 85 on day 6
    story.cancellation(at(7), "o")
    result = story.decide_with_offers()
    # 85 forgiven, 15 taken from the adjustment's lot.
    assert [one["points"] for one in of_type(result, "points.reversed")] == [0, -15]
    assert balance(result)["available"] == 25


def test_a_refund_that_waited_undoes_the_bonus_right_behind_its_purchase() -> None:
    story = OfferStory()
    story.campaign()
    story.engage(at(1))
    story.refund(at(1), "o", ("l0", 1))
    story.purchase(at(1), "o", 1_000)
    assert told(story.decide_with_offers()) == [
        ("points.earned", 1_000),
        ("points.earned", 50),
        ("tier.changed", "silver"),
        ("reward.issued",),
        ("points.reversed", -1_000),
        ("points.reversed", -50),
        ("tier.changed", "basic"),
        ("reward.revoked",),
    ]
