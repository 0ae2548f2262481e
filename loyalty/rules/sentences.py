"""The sentences of reasons: what a support agent reads aloud (contract §5, *reasons*).

Numbers have separators, one point is "1 point", times and spans are written as people say them. No sentence holds a
name, a birth date or a device. `docs/reference/sentences.md` is generated from `EXAMPLES`.
"""

from __future__ import annotations

from loyalty.times import DAY_MS, HOUR_MS, MINUTE_MS
from loyalty.times import format_time as _wire_text

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SPANS = ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (1_000, "second"))


def counted(number: int, what: str) -> str:
    """`1 point`, `3,112 points`."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def points(number: int) -> str:
    return "1 point" if number == 1 else f"{number:,} points"


def were(number: int) -> str:
    return "was" if number == 1 else "were"


def moment(ms: int) -> str:
    """`20 January 2026, 10:00 UTC`."""
    text = _wire_text(ms)
    return f"{int(text[8:10])} {_MONTHS[int(text[5:7]) - 1]} {int(text[:4])}, {text[11:16]} UTC"


def span(ms: int) -> str:
    """`3 days`, `90 minutes`, `1 day 2 hours`: exact down to a second, what is less is left out."""
    parts = []
    for size, name in _SPANS:
        number, ms = divmod(ms, size)
        if number:
            parts.append(counted(number, name))
    return " ".join(parts) or "less than a second"


# points.earned


def purchase(order_id: str, earned: int) -> str:
    return f"Order {order_id} earned {points(earned)}."


def offer_bonus(order_id: str, made_at_ms: int, bonus: int) -> str:
    return f"Order {order_id} took up the offer of {moment(made_at_ms)} and earned {points(bonus)} on top."


# points.released


def return_window_ended(released: int, paid: int) -> str:
    return f"The return window ended, so {points(released)} can be used now.{paid_debt(paid)}"


def paid_debt(paid: int) -> str:
    """What follows where points paid what was owed."""
    return f" Of these, {points(paid)} paid what the account owed." if paid else ""


# points.reversed, points.adjusted


def order_reversed(order_id: str, how: str, lost: int) -> str:
    what = "cancelled" if how == "cancellation" else "refunded"
    return f"Order {order_id} was {what}, so {points(lost)} that it earned {were(lost)} taken back."


def bonus_cancelled(order_id: str, bonus: int) -> str:
    return f"Order {order_id} was cancelled, so its bonus of {points(bonus)} was taken back."


def bonus_refunded(order_id: str, bonus: int) -> str:
    return f"Too little is left of order {order_id} for its offer, so the bonus of {points(bonus)} was taken back."


def taken(forgiven: int, owed: int, written_off: int) -> str:
    """What follows where points were taken and not all of them were there."""
    parts = []
    if forgiven:
        parts.append(f" Of these, {points(forgiven)} had expired already, so nothing was taken for them.")
    if owed:
        parts.append(f" The account did not have enough and owes {points(owed)} more now.")
    if written_off:
        parts.append(f" The account did not have enough, and {points(written_off)} {were(written_off)} written off.")
    return "".join(parts)


def credited(number: int, why: str) -> str:
    return f"{points(number)} {were(number)} added: {_ended(why)}"


def debited(number: int, why: str) -> str:
    return f"{points(number)} {were(number)} taken: {_ended(why)}"


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


# points.expired


def lot_expired(number: int) -> str:
    return f"{points(number)} {were(number)} not used in time and expired."


# tier.changed, tier.grace


def tier_reached(qualifying: int, tier: str, threshold: int) -> str:
    return f"With {_qualifying(qualifying)} the account reaches {tier}, which needs {threshold:,}."


def grace_over(qualifying: int, tier_before: str, threshold: int, tier: str) -> str:
    return f"The grace period ended. {_too_few(qualifying, tier_before, threshold)}, so the tier is {tier} now."


def tier_lost(qualifying: int, tier_before: str, threshold: int, tier: str) -> str:
    return f"Points were taken back. {_too_few(qualifying, tier_before, threshold)}, so the tier is {tier} now."


def grace_started(code: str, qualifying: int, tier: str, threshold: int, grace_days: int) -> str:
    why = "Older purchases no longer count" if code == "window_slid" else "The tier rules changed"
    kept = f"The tier is kept for {counted(grace_days, 'day')}."
    return f"{why}. {_too_few(qualifying, tier, threshold)}. {kept}"


def grace_ended(qualifying: int, tier: str, threshold: int) -> str:
    return f"With {_qualifying(qualifying)} the account has enough for {tier} again, which needs {threshold:,}."


def _qualifying(number: int) -> str:
    return counted(number, "qualifying point")


def _too_few(number: int, tier: str, threshold: int) -> str:
    return f"With {_qualifying(number)} the account has fewer than the {threshold:,} that {tier} needs"


# redemption.decided


def reward_unknown() -> str:
    return "The reward is not in the programme."


def reward_inactive() -> str:
    return "The reward cannot be had at the moment."


def reward_price(price: int, offered: int) -> str:
    return f"The reward costs {points(price)}, and {points(offered)} {were(offered)} offered."


def below_minimum(asked: int, minimum: int) -> str:
    return f"A redemption takes at least {points(minimum)}, and {points(asked)} {were(asked)} asked for."


def insufficient_points(available: int, needed: int) -> str:
    return f"{points(needed)} {'is' if needed == 1 else 'are'} needed, and {_are_available(available)}."


def _are_available(available: int) -> str:
    return f"{points(available)} {'is' if available == 1 else 'are'} available"


def approved(asked: int, available: int) -> str:
    return f"{_are_available(available)}; {points(asked)} {'is' if asked == 1 else 'are'} held for the reward."


def fraud_signal(signal: str, score: int, outcome: str, threshold: int) -> str:
    leads_to = "a denial" if outcome == "deny" else "a review"
    return f"The fraud signal {signal} stands at {score}, and from {threshold} on it leads to {leads_to}."


def velocity(requests: int, window_ms: int, max_requests: int) -> str:
    return f"This is request number {requests:,} within {span(window_ms)}, and {max_requests:,} may be made."


def engagement_unknown() -> str:
    return "It is not known that the account was active before the request."


def not_engaged(last_ms: int, within_ms: int) -> str:
    return f"The account was last active on {moment(last_ms)}, more than {span(within_ms)} before the request."


def device_unknown() -> str:
    return "The request came from a device that is not known."


def device_absent() -> str:
    return "The request does not say which device it came from."


# redemption.settled, redemption.released, reward.*


def committed(spent: int, written_off: int) -> str:
    rest = f" With them {points(written_off)} that the account owed {were(written_off)} written off."
    return f"{points(spent)} that {were(spent)} held {were(spent)} spent.{rest if written_off else ''}"


def returned(code: str, number: int, paid: int) -> str:
    why = "The hold ended without a purchase" if code == "hold_expired" else "The redemption was cancelled"
    return f"{why}, so {points(number)} went back.{paid_debt(paid)}"


def redeemed(reward_id: str, number: int) -> str:
    return f"Reward {reward_id} was issued for {points(number)}."


def redemption_cancelled(reward_id: str) -> str:
    return f"The redemption of reward {reward_id} was cancelled, so the reward is no longer valid."


def offer_taken(order_id: str, offer_id: str, bonus: int) -> str:
    return f"Order {order_id} took up offer {offer_id}: {points(bonus)} on top."


def offer_reversed(order_id: str, offer_id: str) -> str:
    return f"Order {order_id}, which had taken up offer {offer_id}, came back."


# offer.decided


def offered(bonus: int) -> str:
    return f"The member is offered {points(bonus)}."


def no_consent(agreed: bool | None) -> str:
    said = "had not agreed to offers" if agreed is None else "did not wish to receive offers"
    return f"The member {said} at that time."


def cap_reached(had: int, window_days: int, allowed: int) -> str:
    allows = "is" if allowed == 1 else "are"
    return (
        f"The member has had {counted(had, 'offer')} of this campaign within {counted(window_days, 'day')}, "
        f"and {allowed:,} {allows} allowed."
    )


def budget_exhausted(used: int, bonus: int, budget: int) -> str:
    return (
        f"The campaign may give {points(budget)} in all and has given {used:,}, "
        f"so an offer of {points(bonus)} is too much."
    )


def lower_priority(campaign_id: str) -> str:
    return f"The offer of campaign {campaign_id} was made instead."


_AT = 1_768_903_200_000
"""20 January 2026, 10:00 UTC."""

EXAMPLES: tuple[tuple[str, str, str], ...] = (
    ("points.earned", "purchase", purchase("o-17", 3112)),
    ("points.earned", "offer_bonus", offer_bonus("o-17", _AT, 300)),
    ("points.released", "return_window_ended", return_window_ended(3112, 0)),
    ("points.released", "return_window_ended", return_window_ended(3112, 112)),
    ("points.reversed", "refund", order_reversed("o-17", "refund", 1)),
    ("points.reversed", "refund", order_reversed("o-17", "refund", 1037) + taken(0, 37, 0)),
    ("points.reversed", "refund", order_reversed("o-17", "refund", 1037) + taken(0, 0, 37)),
    ("points.reversed", "refund", bonus_refunded("o-17", 300)),
    ("points.reversed", "cancellation", order_reversed("o-17", "cancellation", 3112) + taken(12, 0, 0)),
    ("points.reversed", "cancellation", bonus_cancelled("o-17", 300)),
    ("points.adjusted", "adjustment", credited(500, "a voucher was not accepted at the till")),
    ("points.adjusted", "adjustment", debited(500, "booked twice") + taken(0, 100, 0)),
    ("points.expired", "lot_expired", lot_expired(250)),
    ("tier.changed", "threshold_reached", tier_reached(4237, "silver", 4000)),
    ("tier.changed", "grace_ended", grace_over(1125, "silver", 4000, "member")),
    ("tier.changed", "points_reversed", tier_lost(1125, "silver", 4000, "member")),
    ("tier.grace", "window_slid", grace_started("window_slid", 1125, "silver", 4000, 30)),
    ("tier.grace", "rules_changed", grace_started("rules_changed", 4237, "silver", 5000, 1)),
    ("tier.grace", "threshold_reached", grace_ended(4237, "silver", 4000)),
    ("redemption.decided", "reward_unavailable", reward_unknown()),
    ("redemption.decided", "reward_unavailable", reward_inactive()),
    ("redemption.decided", "reward_unavailable", reward_price(2500, 2000)),
    ("redemption.decided", "below_minimum", below_minimum(100, 500)),
    ("redemption.decided", "fraud_signal", fraud_signal("account-takeover", 90, "deny", 80)),
    ("redemption.decided", "fraud_signal", fraud_signal("new-payment", 55, "review", 50)),
    ("redemption.decided", "velocity:burst", velocity(6, 10 * MINUTE_MS, 5)),
    ("redemption.decided", "insufficient_points", insufficient_points(1995, 2500)),
    ("redemption.decided", "no_engagement", engagement_unknown()),
    ("redemption.decided", "no_engagement", not_engaged(_AT, 3 * DAY_MS)),
    ("redemption.decided", "unknown_device", device_unknown()),
    ("redemption.decided", "unknown_device", device_absent()),
    ("redemption.decided", "approved", approved(2500, 4237)),
    ("redemption.settled", "committed", committed(2500, 0)),
    ("redemption.settled", "committed", committed(2500, 112)),
    ("redemption.released", "cancelled", returned("cancelled", 2500, 0)),
    ("redemption.released", "hold_expired", returned("hold_expired", 2500, 112)),
    ("reward.issued", "redeemed", redeemed("voucher-25", 2500)),
    ("reward.issued", "offer_taken", offer_taken("o-17", "welcome-back-300", 300)),
    ("reward.revoked", "redemption_cancelled", redemption_cancelled("voucher-25")),
    ("reward.revoked", "order_reversed", offer_reversed("o-17", "welcome-back-300")),
    ("offer.decided", "offered", offered(300)),
    ("offer.decided", "no_consent", no_consent(None)),
    ("offer.decided", "no_consent", no_consent(False)),
    ("offer.decided", "cap_reached", cap_reached(1, 30, 1)),
    ("offer.decided", "budget_exhausted", budget_exhausted(999_900, 300, 1_000_000)),
    ("offer.decided", "lower_priority", lower_priority("spring")),
)
"""(type, reason code, a sentence)."""
