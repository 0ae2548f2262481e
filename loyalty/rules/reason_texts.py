"""What a reason code says in a few words, for lists and charts; a decision's own `detail` has the figures."""

from __future__ import annotations

_TEXTS = {
    "purchase": "points for a purchase",
    "offer_bonus": "bonus points of an offer that was taken up",
    "return_window_ended": "the time in which goods can be brought back is over",
    "refund": "goods were brought back",
    "cancellation": "the order was cancelled",
    "adjustment": "an operator changed the points",
    "lot_expired": "points were not used in time",
    "threshold_reached": "enough qualifying points",
    "grace_ended": "the grace period is over",
    "points_reversed": "qualifying points were taken back",
    "window_slid": "older purchases no longer count",
    "rules_changed": "the tier rules changed",
    "reward_unavailable": "the reward is not to be had for these points",
    "below_minimum": "fewer points than a redemption takes at least",
    "fraud_signal": "a fraud signal stands against the account",
    "insufficient_points": "not enough available points",
    "no_engagement": "the account was not active lately",
    "unknown_device": "a device that the account is not known to use",
    "approved": "nothing stood against it",
    "committed": "the held points were spent",
    "cancelled": "the redemption was cancelled",
    "hold_expired": "the hold ended without a purchase",
    "redeemed": "the reward was issued for points",
    "offer_taken": "the reward of an offer that was taken up",
    "redemption_cancelled": "the redemption behind the reward was cancelled",
    "order_reversed": "the order behind the reward came back",
    "no_consent": "the member has not agreed to offers",
    "cap_reached": "the member has had as many of these offers as the campaign allows",
    "budget_exhausted": "the campaign's budget is used up",
    "lower_priority": "another campaign came first",
    "offered": "the offer was made",
}
_VELOCITY = "velocity:"


def reason_text(code: str) -> str:
    """The words for a reason code of contract §5. Raises ValueError for a code that it does not name."""
    if code.startswith(_VELOCITY) and code != _VELOCITY:
        return f"too many requests in a short time (rule {code.removeprefix(_VELOCITY)})"
    try:
        return _TEXTS[code]
    except KeyError:
        raise ValueError(f"no reason code: {code[:40]!r}") from None
