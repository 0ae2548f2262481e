"""What becomes of a redemption: its hold, the commit, the cancellation, the end of the hold (contract §4,
*Redemption*)."""

from __future__ import annotations

from loyalty.program import InForce
from loyalty.records import Refused
from loyalty.rules import ledger, lots, sentences
from loyalty.rules.case import About, Case, Decided, Rules
from loyalty.state.entries import CANCELLED, COMMITTED, DENIED, EXPIRED, HELD, Redemption
from loyalty.times import DAY_MS, MINUTE_MS
from loyalty.wire.decisions import reason
from loyalty.wire.events import RedemptionRequested
from loyalty.wire.evidence import (
    HoldEnd,
    HoldReleaseFacts,
    PaidFigures,
    RedeemedFacts,
    SettlementFacts,
    SettlementFigures,
)
from loyalty.wire.program import RedemptionBody

_STATUS = {
    COMMITTED: "it is committed",
    CANCELLED: "it was cancelled",
    EXPIRED: "its hold has ended",
    DENIED: "it was denied",
}


def decide_settlement(facts: SettlementFacts, rules: Rules) -> Decided:
    """The held points are spent. Under `floor` they write off what is owed, up to as many points: what could have come
    back has not."""
    points = facts["points"]
    floor = rules.redemption.negative_balance == "floor"
    figures: SettlementFigures = {"written_off": min(points, facts["debt"]) if floor else 0}
    written_off = figures["written_off"]
    detail = sentences.committed(points, written_off)
    return Decided([reason("committed", detail, points)], written_off - points, figures=figures)


def decide_release(facts: HoldReleaseFacts, rules: Rules) -> Decided:
    """The points go back, and pay what is owed first. Those that were spent already count anew."""
    points = facts["points"]
    figures: PaidFigures = {"paid_debt": min(points, facts["debt"])}
    detail = sentences.returned(facts["ended"], points, figures["paid_debt"])
    return Decided([reason(facts["ended"], detail, points)], 0 if facts["was_held"] else points, figures=figures)


def decide_issue(facts: RedeemedFacts, rules: Rules) -> Decided:
    """The reward is issued for points that were spent."""
    detail = sentences.redeemed(facts["reward_id"], facts["points"])
    return Decided([reason("redeemed", detail, facts["points"])])


def decide_revocation(facts: RedeemedFacts, rules: Rules) -> Decided:
    """The reward of a redemption that was cancelled is taken back."""
    return Decided([reason("redemption_cancelled", sentences.redemption_cancelled(facts["reward_id"]))])


def begin(case: Case, event: RedemptionRequested, rules: InForce[RedemptionBody], outcome: str) -> None:
    """Remember a redemption that was just decided, and hold its points unless it was denied."""
    account, body = case.account, rules.body
    known_until = case.at + body.cancel_days * DAY_MS
    found = Redemption(case.cause, event.member_id, event.reward_id, event.points, DENIED, known_until, rules.version)
    if outcome != "denied":
        minutes = body.hold_minutes if outcome == "approved" else body.review_hold_minutes
        found.status = HELD
        found.drawn = ledger.hold(account, event.points, known_until)
        found.hold_until = case.at + minutes * MINUTE_MS
        account.timers.add_hold_end(event.redemption_id, found)
    account.keep_redemption(event.redemption_id, found)


def standing(case: Case, redemption_id: str, *statuses: int) -> Redemption:
    """The redemption if it is in one of `statuses`; else Refused `unknown_redemption` or `no_hold`."""
    found = case.account.known_redemption(redemption_id)
    if found is None:
        raise Refused("unknown_redemption", f"Redemption {redemption_id} is not known.")
    if found.status not in statuses:
        raise Refused("no_hold", f"Redemption {redemption_id} holds no points: {_STATUS[found.status]}.")
    return found


def commit(case: Case, redemption_id: str, found: Redemption) -> None:
    """The held points are spent and the reward is issued."""
    account, about = case.account, _about(case, redemption_id, found)
    facts: SettlementFacts = {
        "requested_by": found.cause.event_id,
        "points": found.points,
        "debt": account.core.debt,
    }
    rules = Rules({"redemption": case.program.redemption(case.at)})
    decided = decide_settlement(facts, rules)
    account.timers.remove_hold_end(redemption_id, found)
    ledger.settle(account, found.drawn)
    account.core.debt -= decided.figures["written_off"]
    found.status = COMMITTED
    account.keep_redemption(redemption_id, found)
    case.post("redemption.settled", facts, decided, about._replace(rules=rules))
    redeemed = _redeemed(found)
    case.post("reward.issued", redeemed, decide_issue(redeemed, about.rules), about)


def cancel(case: Case, redemption_id: str, found: Redemption) -> None:
    """Points go back to their lots; a reward that was issued is revoked."""
    if found.status == HELD:
        case.account.timers.remove_hold_end(redemption_id, found)
        _release(case, redemption_id, found, "cancelled")
        return
    _release(case, redemption_id, found, "cancelled")
    about, facts = _about(case, redemption_id, found), _redeemed(found)
    case.post("reward.revoked", facts, decide_revocation(facts, about.rules), about)


def end(case: Case, redemption_id: str, found: Redemption) -> None:
    """A hold's time is over: its points go back to their lots."""
    _release(case, redemption_id, found, "hold_expired")


def _release(case: Case, redemption_id: str, found: Redemption, ended: HoldEnd) -> None:
    account, about = case.account, _about(case, redemption_id, found)
    facts: HoldReleaseFacts = {
        "requested_by": found.cause.event_id,
        "ended": ended,
        "points": found.points,
        "was_held": found.status == HELD,
        "debt": account.core.debt,
    }
    decided = decide_release(facts, about.rules)
    over = ledger.give_back(account, found.drawn, held=facts["was_held"])
    found.status = EXPIRED if ended == "hold_expired" else CANCELLED
    account.keep_redemption(redemption_id, found)
    case.post("redemption.released", facts, decided, about)
    for lot in over:
        lots.expire(case, lot)


def _about(case: Case, redemption_id: str, found: Redemption) -> About:
    rules = Rules({"redemption": case.program.version("redemption", found.redemption_version)})
    return About(rules, {"redemption_id": redemption_id, "reward_id": found.reward_id}, found.member_id)


def _redeemed(found: Redemption) -> RedeemedFacts:
    return {"requested_by": found.cause.event_id, "reward_id": found.reward_id, "points": found.points}
