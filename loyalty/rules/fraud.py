"""The fraud gate of a redemption: signals, velocity, engagement and device rules (contract §4, *Redemption*)."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from loyalty.state.account import Account
from loyalty.times import MINUTE_MS, format_time
from loyalty.wire.events import RedemptionRequested
from loyalty.wire.program import FraudBody

WATCHED_CHANNELS = ("web", "app")
"""The engagement and device rules look at requests of these channels only."""


class GateFacts(msgspec.Struct, frozen=True):
    """What the gate looks at; times in ms since the epoch."""

    requested_at: int
    channel: str
    device_id: str | None
    signals: list[tuple[str, int]]
    """(signal, its highest live score), highest first."""
    requests: list[int]
    """Requests in the window of each velocity rule, in the document's order, this one included."""
    last_engaged_at: int | None
    known_device: bool


class Finding(NamedTuple):
    """One thing that the gate found, and what it leads to: `deny` or `review`."""

    outcome: str
    code: str
    detail: str
    actual: int | None
    threshold: int | None


def gather(account: Account, event: RedemptionRequested, fraud: FraudBody) -> GateFacts:
    """The facts as they are when the request is decided; the request itself must be counted already."""
    at = event.occurred_at
    facts = account.facts()
    scores: dict[str, int] = {}
    for signal in facts.signals:
        if signal.occurred_at <= at < signal.expires_at:
            scores[signal.signal] = max(signal.score, scores.get(signal.signal, 0))
    device = event.device_id
    return GateFacts(
        requested_at=at,
        channel=event.channel,
        device_id=device,
        signals=sorted(scores.items(), key=lambda item: (-item[1], item[0])),
        requests=[
            account.requests.count_between((at - rule.window_minutes * MINUTE_MS + 1,), (at + 1,))
            for rule in fraud.velocity
        ],
        last_engaged_at=facts.last_engaged_at,
        known_device=device is not None
        and (device in facts.known_devices.get(event.member_id, ()) or device in facts.devices),
    )


def gate(facts: GateFacts, fraud: FraudBody) -> list[Finding]:
    """Everything that applies, in the contract's order within each outcome."""
    found = []
    for signal, score in facts.signals:
        if score >= fraud.deny_score:
            outcome, threshold = "deny", fraud.deny_score
        elif score >= fraud.review_score:
            outcome, threshold = "review", fraud.review_score
        else:
            continue
        detail = f"The fraud signal {signal} stands at {score}, {outcome} starts at {threshold}."
        found.append(Finding(outcome, "fraud_signal", detail, score, threshold))
    for rule, count in zip(fraud.velocity, facts.requests, strict=True):
        if count > rule.max_requests:
            detail = f"{count} requests within {rule.window_minutes} minutes, {rule.max_requests} are allowed."
            found.append(Finding(rule.outcome, f"velocity:{rule.name}", detail, count, rule.max_requests))
    if facts.channel in WATCHED_CHANNELS:
        found += _engagement(facts, fraud)
        if fraud.unknown_device_outcome is not None and not facts.known_device:
            which = "no device" if facts.device_id is None else f"device {facts.device_id}, which is not known"
            detail = f"The request came from {which}."
            found.append(Finding(fraud.unknown_device_outcome, "unknown_device", detail, None, None))
    return found


def _engagement(facts: GateFacts, fraud: FraudBody) -> list[Finding]:
    minutes = fraud.engagement_within_minutes
    outcome = fraud.no_engagement_outcome
    if minutes is None or outcome is None:
        return []
    last = facts.last_engaged_at
    if last is None:
        detail = "No engagement of the account is known."
        return [Finding(outcome, "no_engagement", detail, None, minutes)]
    gap = facts.requested_at - last
    if gap <= minutes * MINUTE_MS:
        return []
    detail = f"The account was last active at {format_time(last)}, more than {minutes} minutes before the request."
    return [Finding(outcome, "no_engagement", detail, gap // MINUTE_MS, minutes)]
