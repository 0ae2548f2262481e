from __future__ import annotations

from tests.domain.story import Story, at, summary


def test_a_purchase_earns_a_point_per_unit_and_floors_each_line() -> None:
    story = Story()
    decisions = story.buys_lines("o1", at(), [(199, 1), (199, 1)])
    assert summary(decisions)[0] == ("points.earned", "posted", 2)


def test_a_category_multiplies_points_and_qualifying_points_alike() -> None:
    story = Story()
    story.buys("o1", 5_000, at(), category="double")
    assert (story.balance["available"], story.balance["qualifying"]) == (100, 100)


def test_the_tier_held_before_the_purchase_sets_the_rate_and_does_not_qualify() -> None:
    story = Story()
    story.buys("o1", 10_000, at())
    assert story.balance["tier"] == "silver"
    earned = story.buys("o2", 10_000, at(1))[0]
    assert (earned["points"], earned["balance"]["qualifying"]) == (150, 200)


def test_a_partner_multiplies_points_but_not_qualifying_points() -> None:
    story = Story()
    story.document("partner/cafe", 1, {"earn_bp": 30_000, "active": True})
    earned = story.buys("o1", 1_000, at(), partner_id="cafe")[0]
    assert (earned["points"], earned["balance"]["qualifying"]) == (30, 10)
    assert earned["rules"] == {"earning": 1, "tiers": 1, "partner/cafe": 1}


def test_currency_then_partner_then_order_is_checked() -> None:
    story = Story()
    story.buys("o1", 1_000, at())
    story.buys("o1", 1_000, at(), currency="CHF", partner_id="nobody")
    story.buys("o1", 1_000, at(), partner_id="nobody")
    story.buys("o1", 1_000, at())
    assert story.refusals == ["unknown_currency", "unknown_partner", "duplicate_order"]


def test_an_inactive_partner_is_unknown() -> None:
    story = Story()
    story.document("partner/cafe", 1, {"earn_bp": 30_000, "active": False})
    story.buys("o1", 1_000, at(), partner_id="cafe")
    assert story.refusals == ["unknown_partner"]


def test_points_are_exact_far_beyond_64_bits() -> None:
    huge = 2**53 - 1
    story = Story(earning={"currencies": {"EUR": {"points": huge, "per_minor": 1}}, "category_bp": {"double": huge}})
    story.buys("o1", huge, at(), category="double")
    story.buys("o2", 1, at(1))
    expected = huge * huge * huge // 10_000
    assert story.balance["qualifying"] == expected + huge
    assert story.decisions[0]["points"] == expected


def test_an_order_id_may_come_again_once_the_order_is_forgotten() -> None:
    story = Story(earning={"refund_days": 2})
    story.buys("o1", 1_000, at())
    story.buys("o1", 1_000, at(2, ms=-1))
    assert story.refusals == ["duplicate_order"]
    assert summary(story.buys("o1", 2_000, at(2)))[0] == ("points.earned", "posted", 20)


def test_a_purchase_of_nothing_still_makes_a_decision() -> None:
    story = Story(earning={"pending_days": 1})
    assert summary(story.buys("o1", 0, at())) == [("points.earned", "posted", 0)]
    assert story.buys("o2", 0, at(5)) != []
    assert [decision["type"] for decision in story.decisions] == ["points.earned", "points.earned"]
