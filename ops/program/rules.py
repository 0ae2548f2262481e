"""What the programme must not say, though each of its documents is well formed: one function a rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, cast

from loyalty.program import Program
from loyalty.times import format_time
from loyalty.wire.program import EarningBody, FraudBody, RedemptionBody, RewardBody, TiersBody
from ops.program import campaigns
from ops.program.documents import Finding, Version, per_document

DAYS_MAX = 36_525
SCORE_MAX = 100
"""Of a fraud signal (contract §3)."""
_DURATION_FIELDS = {"_days": DAYS_MAX, "_minutes": DAYS_MAX * 1440}


def overlaps(versions: Sequence[Version]) -> Iterator[Finding]:
    for group in per_document(versions):
        for earlier, later in pairwise(group):
            if earlier.document.version == later.document.version:
                place = f"{earlier.file}:{earlier.content.line(('versions', earlier.position))}"
                yield later.finding(f"{later.key} is there twice: also at {place}.", "version")
            elif later.document.effective_from < earlier.document.effective_from:
                yield later.finding(
                    f"Versions overlap: {later.key} takes effect at {format_time(later.document.effective_from)}, "
                    f"before {earlier.key} at {format_time(earlier.document.effective_from)}.",
                    "effective_from",
                )


def tier_names(versions: Sequence[Version]) -> Iterator[Finding]:
    tiers = [version for version in versions if isinstance(version.document.body, TiersBody)]
    for group in per_document(tiers):
        first = tiers_of(group[0])
        for later in group[1:]:
            names = tiers_of(later)
            if names != first:
                which = "the same tiers" if set(names) != set(first) else "its tiers in the same order"
                yield later.finding(
                    f"Every version of tiers should name {which}: {group[0].key} has {', '.join(first)}, "
                    f"{later.key} has {', '.join(names)}.",
                    "body",
                    "levels",
                )


def tiers_of(version: Version) -> list[str]:
    return [level.tier for level in cast("TiersBody", version.document.body).levels]


def _durations(versions: Sequence[Version]) -> Iterator[Finding]:
    for version in versions:
        for path, number in _numbers(version.document.body.model_dump()):
            for ending, most in _DURATION_FIELDS.items():
                if str(path[-1]).endswith(ending) and number > most:
                    yield version.finding(f"The field {path[-1]} should be at most {most} (100 years).", "body", *path)


def _numbers(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], int]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, (*path, index))
    elif isinstance(value, int) and path:
        yield path, value


def _bodies(versions: Sequence[Version]) -> Iterator[Finding]:
    for version in versions:
        body = version.document.body
        if isinstance(body, EarningBody):
            yield from _earning(version, body)
        elif isinstance(body, FraudBody):
            yield from _fraud(version, body)


def _earning(version: Version, body: EarningBody) -> Iterator[Finding]:
    if not body.currencies:
        yield version.finding("There should be at least one currency.", "body", "currencies")
    if body.expiry_days is not None and body.expiry_days <= body.pending_days:
        yield version.finding(
            f"Points would expire before they can be spent: expiry_days ({body.expiry_days}) should be more than "
            f"pending_days ({body.pending_days}).",
            "body",
            "expiry_days",
        )


def _fraud(version: Version, body: FraudBody) -> Iterator[Finding]:
    if body.deny_score > SCORE_MAX:
        yield version.finding(
            f"No signal would deny: deny_score ({body.deny_score}) should be at most {SCORE_MAX}, the highest score of "
            "a signal.",
            "body",
            "deny_score",
        )
    if body.review_score > body.deny_score:
        yield version.finding(
            f"Nothing would be reviewed: review_score ({body.review_score}) should not be more than deny_score "
            f"({body.deny_score}).",
            "body",
            "review_score",
        )
    names: set[str] = set()
    for index, rule in enumerate(body.velocity):
        if rule.name in names:
            yield version.finding(f"The velocity rule {rule.name} is there twice.", "body", "velocity", index)
        names.add(rule.name)


def _rewards_can_be_asked_for(versions: Sequence[Version]) -> Iterator[Finding]:
    program = Program()
    moments: set[int] = set()
    for version in versions:
        program.learn(version.document)
        if isinstance(version.document.body, RedemptionBody):
            moments.add(version.document.effective_from)
    for version in versions:
        body = version.document.body
        if not isinstance(body, RewardBody) or not body.active:
            continue
        reward_id = version.document.document.partition("/")[2]
        for moment in sorted({*moments, version.document.effective_from}):
            reward = program.reward(reward_id, moment)
            least = program.redemption(moment).body.min_points if moments and moment >= min(moments) else 0
            if reward is not None and reward.version == version.document.version and body.points < least:
                yield version.finding(
                    f"Nobody could redeem {version.key}: its {body.points} points are below min_points ({least}).",
                    "body",
                    "points",
                )
                break


RULES = (
    overlaps,
    tier_names,
    _durations,
    _bodies,
    _rewards_can_be_asked_for,
    campaigns.can_make_offers,
    campaigns.are_in_force,
    campaigns.name_tiers_that_there_are,
    campaigns.name_currencies_that_earn,
)
