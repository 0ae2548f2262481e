"""The fraud gate of a redemption: signals, velocity, engagement and device rules (contract §4, *Redemption*)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from loyalty.rules import request_sentences as sentences
from loyalty.state.account import Account
from loyalty.times import MINUTE_MS, format_time, parse_time
from loyalty.wire.decisions import ReasonFields, reason
from loyalty.wire.events import RedemptionRequested
from loyalty.wire.evidence import Device, RedemptionFacts
from loyalty.wire.program import FraudBody

WATCHED_CHANNELS = ("web", "app")
"""The engagement and device rules look at requests of these channels only."""


class Finding(NamedTuple):
    """One thing that the gate found, and what it leads to: `deny` or `review`."""

    outcome: str
    reason: ReasonFields


def gather(account: Account, event: RedemptionRequested, fraud: FraudBody) -> RedemptionFacts:
    """The facts as they are when the request is decided; the request itself must be counted already."""
    at = event.occurred_at
    known = account.facts()
    scores: dict[str, int] = {}
    for signal in known.signals:
        if signal.occurred_at <= at < signal.expires_at:
            scores[signal.signal] = max(signal.score, scores.get(signal.signal, 0))
    last = known.last_engaged_at
    device: Device = "absent"
    if event.device_id is not None:
        of_member = known.known_devices.get(event.member_id, ())
        device = "known" if event.device_id in of_member or event.device_id in known.devices else "unknown"
    return {
        "reward_id": event.reward_id,
        "points": event.points,
        "available": account.core.available,
        "requested_at": format_time(at),
        "channel": event.channel,
        "device": device,
        "signals": [
            {"signal": signal, "score": score}
            for signal, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        ],
        "requests": requests_in_windows(account, at, fraud),
        "last_engaged_at": None if last is None else format_time(last),
    }


def requests_in_windows(account: Account, at: int, fraud: FraudBody) -> list[int]:
    """How many redemptions were requested in the window of each velocity rule that ends at `at` (ms)."""
    return [account.requests_between(at - rule.window_minutes * MINUTE_MS + 1, at) for rule in fraud.velocity]


def findings(facts: RedemptionFacts, fraud: FraudBody) -> list[Finding]:
    """Everything that applies, in the contract's order within each outcome."""
    found = [*_signals(facts, fraud), *_velocity(facts, fraud)]
    if facts["channel"] in WATCHED_CHANNELS:
        found += _engagement(facts, fraud)
        outcome = fraud.unknown_device_outcome
        if outcome is not None and facts["device"] != "known":
            said = sentences.device_absent() if facts["device"] == "absent" else sentences.device_unknown()
            found.append(Finding(outcome, reason("unknown_device", said)))
    return found


def _signals(facts: RedemptionFacts, fraud: FraudBody) -> Iterator[Finding]:
    for live in facts["signals"]:
        signal, score = live["signal"], live["score"]
        if score >= fraud.deny_score:
            outcome, threshold = "deny", fraud.deny_score
        elif score >= fraud.review_score:
            outcome, threshold = "review", fraud.review_score
        else:
            continue
        said = sentences.fraud_signal(signal, score, outcome, threshold)
        yield Finding(outcome, reason("fraud_signal", said, score, threshold))


def _velocity(facts: RedemptionFacts, fraud: FraudBody) -> Iterator[Finding]:
    for rule, count in zip(fraud.velocity, facts["requests"], strict=True):
        if count > rule.max_requests:
            said = sentences.velocity(count, rule.window_minutes * MINUTE_MS, rule.max_requests)
            yield Finding(rule.outcome, reason(f"velocity:{rule.name}", said, count, rule.max_requests))


def _engagement(facts: RedemptionFacts, fraud: FraudBody) -> Iterator[Finding]:
    minutes, outcome = fraud.engagement_within_minutes, fraud.no_engagement_outcome
    if minutes is None or outcome is None:
        return
    if facts["last_engaged_at"] is None:
        yield Finding(outcome, reason("no_engagement", sentences.engagement_unknown(), None, minutes))
        return
    last = parse_time(facts["last_engaged_at"])
    gap = parse_time(facts["requested_at"]) - last
    if gap > minutes * MINUTE_MS:
        said = sentences.not_engaged(last, minutes * MINUTE_MS)
        yield Finding(outcome, reason("no_engagement", said, gap // MINUTE_MS, minutes))
