"""The sentences of `redemption.decided`: why a redemption was approved, put to review or denied."""

from __future__ import annotations

from loyalty.rules.words import moment, points, span, were


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
