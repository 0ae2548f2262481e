"""Puts what the project decided beside what the oracle decided.

Compared is every field of the contract but the project's own: `decision_id`, `decided_at`, `seal`, the wording of
`detail`, `received_at`, and of the evidence all but `late` and `written_off`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

Plain = dict[str, Any]

LISTED_RULES = ("points.earned", "tier.changed", "tier.grace", "redemption.decided", "offer.decided")
"""The types of decision whose `rules` the contract spells out."""

MEASURED = frozenset(
    (
        "return_window_ended",
        "below_minimum",
        "fraud_signal",
        "insufficient_points",
        "threshold_reached",
        "grace_ended",
        "points_reversed",
        "window_slid",
        "rules_changed",
    )
)
"""The reasons whose `actual` and `threshold` are compared."""


def plain_decision(decision: Plain) -> Plain:
    ours_alone = ("decision_id", "decided_at", "seal", "evidence")
    plain = {key: value for key, value in decision.items() if key not in ours_alone}
    evidence = decision["evidence"]
    plain["late"] = evidence.get("late", False)
    plain["written_off"] = evidence.get("written_off", 0)
    plain["reasons"] = [_plain_reason(reason) for reason in decision["reasons"]]
    if decision["type"] not in LISTED_RULES:
        del plain["rules"]
    return plain


def _plain_reason(reason: Plain) -> Plain:
    """`actual` and `threshold` only where the contract leaves no doubt what they are."""
    code = reason["code"]
    if code in MEASURED or code.startswith("velocity:"):
        return {"code": code, "actual": reason["actual"], "threshold": reason["threshold"]}
    return {"code": code}


def plain_dead_letter(letter: Plain) -> Plain:
    return {key: value for key, value in letter.items() if key not in ("detail", "received_at")}


def differences(ours: Iterable[Plain], theirs: Iterable[Plain]) -> list[str]:
    """Where the two sets of decisions differ, account by account: the first difference of each account, in words."""
    return _differences(ours, theirs, "account_id")


def offer_differences(ours: Iterable[Plain], theirs: Iterable[Plain]) -> list[str]:
    """Where the two sets of offers differ, member by member: the first difference of each member, in words."""
    return _differences(ours, theirs, "member_id")


def _differences(ours: Iterable[Plain], theirs: Iterable[Plain], whose: str) -> list[str]:
    by_account: dict[str, tuple[list[Plain], list[Plain]]] = defaultdict(lambda: ([], []))
    for side, decisions in enumerate((ours, theirs)):
        for decision in decisions:
            by_account[decision[whose]][side].append(plain_decision(decision))
    found = []
    for account_id, (mine, other) in sorted(by_account.items()):
        mine.sort(key=lambda decision: int(decision["sequence"]))
        other.sort(key=lambda decision: int(decision["sequence"]))
        for at in range(max(len(mine), len(other))):
            left = mine[at] if at < len(mine) else None
            right = other[at] if at < len(other) else None
            if left != right:
                found.append(f"{account_id}, decision {at + 1}: {_first_difference(left, right)}")
                break
    return found


def dead_letter_differences(ours: Iterable[Plain], theirs: Iterable[Plain]) -> list[str]:
    def by_place(letters: Iterable[Plain]) -> dict[tuple[str, int, int], Plain]:
        return {(one["topic"], one["partition"], one["offset"]): plain_dead_letter(one) for one in letters}

    mine, other = by_place(ours), by_place(theirs)
    return [
        f"{place}: {_first_difference(mine.get(place), other.get(place))}"
        for place in sorted(mine.keys() | other.keys())
        if mine.get(place) != other.get(place)
    ]


def _first_difference(left: Plain | None, right: Plain | None) -> str:
    if left is None or right is None:
        only, who = (right, "the oracle") if left is None else (left, "the project")
        return f"only {who} has {only}"
    keys = [key for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)]
    said = ", ".join(f"{key}: {left.get(key)!r} but the oracle {right.get(key)!r}" for key in keys)
    return f"{left.get('type')} of {left.get('occurred_at')}: {said}"
