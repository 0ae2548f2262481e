"""Redemption: the fraud-gated decision, the hold and its ends (contract §4, *Redemption*).

`assess` is the decision itself, a pure function of the facts that the decision's evidence keeps.
"""

from __future__ import annotations

from typing import Any

import msgspec

from loyalty.program import InForce, Program
from loyalty.records import Refused
from loyalty.rules.decision_log import DecisionLog, reason
from loyalty.rules.fraud import Finding, GateFacts, gate, gather
from loyalty.rules.ledger import expire_returned, give_back, hold, settle
from loyalty.state.account import (
    CANCELLED,
    COMMITTED,
    DENIED,
    EXPIRED,
    HELD,
    Account,
    Cause,
    Lot,
    Redemption,
)
from loyalty.times import DAY_MS, MINUTE_MS
from loyalty.wire.events import RedemptionCancelled, RedemptionCommitted, RedemptionRequested
from loyalty.wire.program import FraudBody, RedemptionBody, RewardBody


class RedemptionFacts(msgspec.Struct, frozen=True):
    """All that a redemption decision looks at beside the programme."""

    points: int
    available: int
    gate: GateFacts


def assess(
    facts: RedemptionFacts,
    redemption: RedemptionBody,
    fraud: FraudBody,
    reward: RewardBody | None,
) -> tuple[str, list[dict[str, Any]]]:
    """The outcome (`approved`, `review`, `denied`) and every reason that applies, the deciding one first."""
    denials: list[dict[str, Any]] = []
    if reward is None or not reward.active or reward.points != facts.points:
        denials.append(_unavailable(reward, facts.points))
    if facts.points < redemption.min_points:
        denials.append(
            reason(
                "below_minimum",
                f"{facts.points} points are fewer than the {redemption.min_points} that a redemption takes at least.",
                facts.points,
                redemption.min_points,
            )
        )
    findings = gate(facts.gate, fraud)
    denials += [_finding(finding) for finding in findings if finding.outcome == "deny"]
    if facts.available < facts.points:
        denials.append(
            reason(
                "insufficient_points",
                f"{facts.available} points are available, {facts.points} are needed.",
                facts.available,
                facts.points,
            )
        )
    reviews = [_finding(finding) for finding in findings if finding.outcome == "review"]
    if denials:
        return "denied", denials + reviews
    if reviews:
        return "review", reviews
    detail = f"{facts.points} of {facts.available} available points are held for the reward."
    return "approved", [reason("approved", detail, facts.available, facts.points)]


def _unavailable(reward: RewardBody | None, points: int) -> dict[str, Any]:
    if reward is None:
        return reason("reward_unavailable", "The reward is not in the programme.", points)
    if not reward.active:
        return reason("reward_unavailable", "The reward is not active.", points, reward.points)
    detail = f"The reward costs {reward.points} points, {points} were offered."
    return reason("reward_unavailable", detail, points, reward.points)


def _finding(finding: Finding) -> dict[str, Any]:
    return reason(finding.code, finding.detail, finding.actual, finding.threshold)


def known_redemption(account: Account, redemption_id: str) -> Redemption | None:
    """The redemption, while it is held or the account's time is earlier than its request + `cancel_days`."""
    found = account.redemptions.get(redemption_id)
    time = account.core.time
    if found is None or (found.status != HELD and time is not None and time >= found.known_until):
        return None
    return found


def check_new(account: Account, redemption_id: str) -> None:
    """Raises Refused `duplicate_redemption` where the redemption is known."""
    known = known_redemption(account, redemption_id)
    if known is not None:
        raise Refused(
            "duplicate_redemption",
            f"Redemption {redemption_id} was requested already, by event {known.cause.event_id}.",
        )


def request(account: Account, program: Program, event: RedemptionRequested, cause: Cause, log: DecisionLog) -> None:
    """Decide a request that passed `check_new`, and hold its points."""
    at = event.occurred_at
    rules, fraud, reward = program.redemption(at), program.fraud(at), program.reward(event.reward_id, at)
    account.requests.add((at, cause.number))
    facts = RedemptionFacts(event.points, account.core.available, gather(account, event, fraud.body))
    outcome, reasons = assess(facts, rules.body, fraud.body, None if reward is None else reward.body)
    _remember(account, event, cause, rules, outcome)
    versions = {"redemption": rules.version, "fraud": fraud.version}
    if reward is not None:
        versions[f"reward/{event.reward_id}"] = reward.version
    log.post(
        "redemption.decided",
        cause=cause,
        occurred_at=at,
        member_id=event.member_id,
        subject={"redemption_id": event.redemption_id, "reward_id": event.reward_id},
        outcome=outcome,
        reasons=reasons,
        rules=versions,
        evidence={"facts": msgspec.to_builtins(facts)},
    )


def _remember(
    account: Account,
    event: RedemptionRequested,
    cause: Cause,
    rules: InForce[RedemptionBody],
    outcome: str,
) -> None:
    body = rules.body
    known_until = event.occurred_at + body.cancel_days * DAY_MS
    redemption = Redemption(cause, event.member_id, event.reward_id, event.points, DENIED, known_until, rules.version)
    if outcome != "denied":
        minutes = body.hold_minutes if outcome == "approved" else body.review_hold_minutes
        redemption.status = HELD
        redemption.drawn = hold(account, event.points, known_until)
        redemption.hold_until = event.occurred_at + minutes * MINUTE_MS
        account.schedule_hold_end(event.redemption_id, redemption)
    _keep(account, event.redemption_id, redemption)


def _keep(account: Account, redemption_id: str, redemption: Redemption) -> None:
    account.keep_redemption(redemption_id, redemption)


_STATUS = {
    COMMITTED: "it is committed",
    CANCELLED: "it was cancelled",
    EXPIRED: "its hold has ended",
    DENIED: "it was denied",
}


def check_standing(account: Account, redemption_id: str, *statuses: int) -> Redemption:
    """The redemption if it is in one of `statuses`; else Refused `unknown_redemption` or `no_hold`."""
    found = known_redemption(account, redemption_id)
    if found is None:
        raise Refused("unknown_redemption", f"Redemption {redemption_id} is not known.")
    if found.status not in statuses:
        raise Refused("no_hold", f"Redemption {redemption_id} holds no points: {_STATUS[found.status]}.")
    return found


def commit(account: Account, event: RedemptionCommitted, found: Redemption, cause: Cause, log: DecisionLog) -> None:
    """The held points are spent and the reward is issued."""
    account.cancel_hold_end(event.redemption_id, found)
    settle(account, found.drawn)
    found.status = COMMITTED
    _keep(account, event.redemption_id, found)
    subject = {"redemption_id": event.redemption_id, "reward_id": found.reward_id}
    log.post(
        "redemption.settled",
        cause=cause,
        occurred_at=event.occurred_at,
        member_id=found.member_id,
        subject=subject,
        points=-found.points,
        reasons=[reason("committed", f"{found.points} held points were spent.", found.points)],
        rules={"redemption": found.redemption_version},
        evidence={"requested_by": found.cause.event_id, "drawn": found.drawn},
    )
    log.post(
        "reward.issued",
        cause=cause,
        occurred_at=event.occurred_at,
        member_id=found.member_id,
        subject=subject,
        reasons=[reason("redeemed", f"Reward {found.reward_id} was issued for {found.points} points.", found.points)],
        rules={"redemption": found.redemption_version},
        evidence={"requested_by": found.cause.event_id},
    )


def cancel(account: Account, event: RedemptionCancelled, found: Redemption, cause: Cause, log: DecisionLog) -> None:
    """Points go back to their lots; a reward that was issued is revoked."""
    committed = found.status == COMMITTED
    if not committed:
        account.cancel_hold_end(event.redemption_id, found)
    _release(account, event.redemption_id, found, log, "cancelled", cause, event.occurred_at, None)
    if committed:
        log.post(
            "reward.revoked",
            cause=cause,
            occurred_at=event.occurred_at,
            member_id=found.member_id,
            subject={"redemption_id": event.redemption_id, "reward_id": found.reward_id},
            reasons=[reason("redemption_cancelled", f"The redemption of reward {found.reward_id} was cancelled.")],
            rules={"redemption": found.redemption_version},
            evidence={"requested_by": found.cause.event_id},
        )


def end_hold(account: Account, redemption_id: str, found: Redemption, at: int, log: DecisionLog) -> None:
    """A hold's time is over: its points go back to their lots."""
    _release(account, redemption_id, found, log, "hold_expired", found.cause, at, "hold")


def _release(
    account: Account,
    redemption_id: str,
    found: Redemption,
    log: DecisionLog,
    code: str,
    cause: Cause,
    occurred_at: int,
    timer: str | None,
) -> None:
    held = found.status == HELD
    debt = account.core.debt
    paid, lapsed = give_back(account, found.drawn, held=held)
    found.status = EXPIRED if code == "hold_expired" else CANCELLED
    _keep(account, redemption_id, found)
    points = 0 if held else found.points
    why = "The hold ended without a purchase" if code == "hold_expired" else "The redemption was cancelled"
    rest = f", {paid} of them paid debt" if paid else ""
    log.post(
        "redemption.released",
        cause=cause,
        timer=timer,
        occurred_at=occurred_at,
        member_id=found.member_id,
        subject={"redemption_id": redemption_id, "reward_id": found.reward_id},
        points=points,
        reasons=[reason(code, f"{why}: {found.points} points went back{rest}.", found.points)],
        rules={"redemption": found.redemption_version},
        evidence={
            "requested_by": found.cause.event_id,
            "was_held": held,
            "drawn": found.drawn,
            "debt": debt,
            "paid_debt": paid,
        },
    )
    for lot in lapsed:
        _expire_right_behind(account, lot, log, cause, occurred_at, timer)


def _expire_right_behind(
    account: Account, lot: Lot, log: DecisionLog, cause: Cause, occurred_at: int, timer: str | None
) -> None:
    points = expire_returned(account, lot)
    post_expired(log, lot, points, cause, occurred_at, timer)


def post_expired(log: DecisionLog, lot: Lot, points: int, cause: Cause, occurred_at: int, timer: str | None) -> None:
    """`points.expired` for a lot; its subject is the lot's order (and offer)."""
    log.post(
        "points.expired",
        cause=cause,
        timer=timer,
        occurred_at=occurred_at,
        member_id=lot.member_id,
        subject=lot.subject,
        points=-points,
        reasons=[reason("lot_expired", f"{points} points were not used in time and expired.", points)],
        rules={"earning": lot.earning_version},
        evidence={"expires_at": lot.expires_at, "opened_by": lot.cause.event_id},
    )
