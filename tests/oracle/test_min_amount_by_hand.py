"""Which purchases take an offer up: its currency, and lines at 0 bp left out of its `min_amount`. By hand, §4."""

from typing import Any

import pytest

from .offer_stories import OfferStory
from .oracle import Result
from .stories import Plain, at, dead, of_type, told

RATES: Plain = {
    "currencies": {"EUR": {"points": 1, "per_minor": 1}, "JPY": {"points": 1, "per_minor": 1}},
    "category_bp": {"gift_card": 0, "shipping": 0, "fee": 1},
}


def line(number: int, amount: int, category: str = "shoes", quantity: int = 1) -> Plain:
    return {"line_id": f"l{number}", "sku": "s", "category": category, "quantity": quantity, "amount": amount}


def offered(**campaign: Any) -> OfferStory:
    """A click on day 1 was answered with an offer: 50 points on a purchase of 1 000."""
    story = OfferStory(earning=RATES)
    story.campaign(**campaign)
    story.engage(at(1))
    return story


def taken_by(result: Result) -> list[str]:
    return [one["subject"]["order_id"] for one in of_type(result, "reward.issued")]


def test_yen_do_not_count_as_cents_where_the_offer_names_a_currency() -> None:
    story = offered(currency="EUR")
    story.purchase(at(2), "yen", 1_000, currency="JPY")
    story.purchase(at(3), "cents", 999)
    story.purchase(at(4), "euros", 1_000)
    story.purchase(at(5), "again", 1_000)
    assert taken_by(story.decide_with_offers()) == ["euros"]


@pytest.mark.parametrize("named", [{}, {"currency": None}])
def test_an_offer_without_a_currency_is_taken_up_in_any(named: Plain) -> None:
    story = offered(**named)
    story.purchase(at(2), "yen", 1_000, currency="JPY")
    assert taken_by(story.decide_with_offers()) == ["yen"]


@pytest.mark.parametrize("currency", ["", "eur", "EURO", 1])
def test_a_currency_that_is_none_makes_the_campaign_a_schema_violation(currency: Any) -> None:
    story = offered(currency=currency)
    assert dead(story.decide()) == ["schema_violation"]


@pytest.mark.parametrize(("category", "taken"), [("gift_card", []), ("shipping", []), ("fee", ["o"]), ("hats", ["o"])])
def test_lines_of_a_category_at_0_bp_do_not_count_however_few_points_others_earn(
    category: str, taken: list[str]
) -> None:
    story = offered()
    story.purchase(at(2), "o", 0, lines=[line(0, 999), line(1, 1, category)])
    assert taken_by(story.decide_with_offers()) == taken


def test_a_purchase_of_gift_cards_alone_sums_to_nothing() -> None:
    for min_amount, taken in ((1, []), (0, ["o"])):
        story = offered(min_amount=min_amount)
        story.purchase(at(2), "o", 0, lines=[line(0, 5_000, "gift_card")])
        assert taken_by(story.decide_with_offers()) == taken


def test_a_line_that_earns_nothing_for_its_partner_or_its_rounding_counts() -> None:
    story = offered()
    story.new_version("partner/none", at(-1), version=1, earn_bp=0, active=True)
    story.purchase(at(2), "o", 1_000, partner_id="none")
    assert taken_by(story.decide_with_offers()) == ["o"]


def test_returned_gift_cards_take_nothing_off_what_counts() -> None:
    story = offered()
    story.purchase(at(2), "o", 0, lines=[line(0, 1_001, quantity=2), line(1, 4_000, "gift_card", quantity=4)])
    story.refund(at(3), "o", ("l1", 4))
    assert of_type(story.decide_with_offers(), "reward.revoked") == []
    story.refund(at(4), "o", ("l0", 1))  # 500 are left, and no gift card makes up for it
    result = story.decide_with_offers()
    assert [one["occurred_at"] for one in of_type(result, "reward.revoked")] == ["2024-03-01T00:00:00.000Z"]
    assert [one["points"] for one in of_type(result, "points.reversed")] == [0, -501, -50]


def test_gift_cards_that_are_kept_do_not_save_the_bonus() -> None:
    story = offered()
    story.purchase(at(2), "o", 0, lines=[line(0, 1_000), line(1, 9_000, "gift_card")])
    story.refund(at(3), "o", ("l0", 1))
    assert told(story.decide_with_offers())[-1] == ("reward.revoked",)


def test_the_categories_are_those_of_the_earning_document_of_the_purchase() -> None:
    story = offered()
    story.new_version("earning", at(3), **{**RATES, "category_bp": {"shoes": 0}})
    story.purchase(at(2), "o", 0, lines=[line(0, 1_000, quantity=2)])
    story.refund(at(4), "o", ("l0", 1))
    assert told(story.decide_with_offers())[-1] == ("reward.revoked",)

    story = offered()
    story.new_version("earning", at(2), **{**RATES, "category_bp": {"shoes": 0}})
    story.purchase(at(2), "o", 0, lines=[line(0, 1_000)])
    assert taken_by(story.decide_with_offers()) == []
