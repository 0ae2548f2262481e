"""The sentences of reasons: what a support agent reads aloud (contract §5, *reasons*).

Numbers have separators, one point is "1 point", times and spans are written as people say them. No sentence holds a
name, a birth date or a device. Those about a redemption that was asked for are in `loyalty.rules.request_sentences`;
`docs/reference/sentences.md` has an example of each.
"""

from __future__ import annotations

from loyalty.rules.words import counted, moment, points, were

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
