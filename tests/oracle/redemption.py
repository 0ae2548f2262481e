"""May these points be redeemed? Every reason that speaks against it, in the contract's order (§4, Redemption)."""

from typing import Any

from .history import Event, History
from .journal import AVAILABLE
from .wire import MINUTE_MS, time_of

Reason = dict[str, Any]

ONLINE = ("web", "app")


def reason(code: str, actual: Any = None, threshold: Any = None) -> Reason:
    return {"code": code, "actual": actual, "threshold": threshold}


def judge_request(history: History, event: Event) -> tuple[str, list[Reason]]:
    """The outcome and the reasons. All that deny come before all that review, so the first decides."""
    denying = [
        *unavailable_reward(history, event),
        *below_minimum(history, event),
        *signals(history, event, "deny"),
        *rules(history, event, "deny"),
        *insufficient_points(history, event),
    ]
    reviewing = [*signals(history, event, "review"), *rules(history, event, "review")]
    if denying:
        return "denied", denying + reviewing
    if reviewing:
        return "review", reviewing
    return "approved", [reason("approved")]


def unavailable_reward(history: History, event: Event) -> list[Reason]:
    reward = history.reference.find(f"reward/{event.body['reward_id']}", event.occurred_at)
    if reward is None or not reward.body["active"]:
        return [reason("reward_unavailable")]
    if reward.body["points"] != event.body["points"]:
        return [reason("reward_unavailable", event.body["points"], reward.body["points"])]
    return []


def below_minimum(history: History, event: Event) -> list[Reason]:
    minimum = history.reference.in_force("redemption", event.occurred_at).body["min_points"]
    points = event.body["points"]
    return [reason("below_minimum", points, minimum)] if points < minimum else []


def insufficient_points(history: History, event: Event) -> list[Reason]:
    available = history.standing().total[AVAILABLE]
    points = event.body["points"]
    return [reason("insufficient_points", available, points)] if available < points else []


def signals(history: History, event: Event, outcome: str) -> list[Reason]:
    """Each signal's highest live score, once: where it denies, it is not listed again as a reason to review."""
    fraud = history.reference.in_force("fraud", event.occurred_at).body
    highest: dict[str, int] = {}
    for signal in history.reference.signals.get(history.account_id, []):
        if signal.starts <= event.occurred_at < signal.expires:
            highest[signal.name] = max(signal.score, highest.get(signal.name, 0))
    scores = sorted(highest.values(), reverse=True)
    denying = [score for score in scores if score >= fraud["deny_score"]]
    if outcome == "deny":
        return [reason("fraud_signal", score, fraud["deny_score"]) for score in denying]
    reviewing = [score for score in scores if fraud["review_score"] <= score < fraud["deny_score"]]
    return [reason("fraud_signal", score, fraud["review_score"]) for score in reviewing]


def rules(history: History, event: Event, outcome: str) -> list[Reason]:
    """The velocity rules in the order of the document, then engagement, then device: those with this outcome."""
    fraud = history.reference.in_force("fraud", event.occurred_at).body
    tripped = [velocity(history, event, rule) for rule in fraud["velocity"] if rule["outcome"] == outcome]
    if event.body["channel"] in ONLINE:
        if fraud.get("no_engagement_outcome") == outcome:
            tripped.append(no_engagement(history, event, fraud["engagement_within_minutes"]))
        if fraud["unknown_device_outcome"] == outcome:
            tripped.append(unknown_device(history, event))
    return [one for one in tripped if one is not None]


def velocity(history: History, event: Event, rule: dict[str, Any]) -> Reason | None:
    """Counts the requests in the window that ends with this one, which is not in the history yet."""
    start = event.occurred_at - rule["window_minutes"] * MINUTE_MS
    time = history.time()
    moments = [request.event.occurred_at for request in history.redemptions if time < request.counts_until]
    count = 1 + sum(1 for moment in moments if start < moment <= event.occurred_at)
    return reason(f"velocity:{rule['name']}", count, rule["max_requests"]) if count > rule["max_requests"] else None


def no_engagement(history: History, event: Event, within_minutes: int | None) -> Reason | None:
    """The last engagement too long before the request, or never. One behind the request counts as engaged."""
    if within_minutes is None:
        return None
    context = history.reference.contexts.get(history.account_id)
    if context is not None and event.occurred_at - time_of(context, "last_engaged_at") <= within_minutes * MINUTE_MS:
        return None
    return reason("no_engagement")


def unknown_device(history: History, event: Event) -> Reason | None:
    device = event.body.get("device_id")
    known = history.reference.known_devices.get(event.body["member_id"], [])
    seen = history.reference.contexts.get(history.account_id, {}).get("devices", {})
    return None if device is not None and (device in known or device in seen) else reason("unknown_device")
