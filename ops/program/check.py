"""Every reason not to publish the documents of the programme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from loyalty.program import REQUIRED, Program
from loyalty.times import format_time
from loyalty.wire.program import CampaignBody, EarningBody, FraudBody, RedemptionBody, RewardBody, TiersBody
from ops.program.documents import Finding, Version, read_documents

DAYS_MAX = 36_525
_DURATION_FIELDS = {"_days": DAYS_MAX, "_minutes": DAYS_MAX * 1440}


def read_program(folder: Path) -> tuple[list[Version], list[Finding]]:
    """The versions of every document in the `.yaml` files below `folder`, and what is wrong with them."""
    versions, findings = read_documents(folder)
    if not versions and [finding.file for finding in findings] == [str(folder)]:
        return [], findings
    for rule in _RULES:
        findings.extend(rule(versions))
    if not any(finding.file != str(folder) for finding in findings):
        # While a file cannot be read, nothing is said about what is missing: it may well be there.
        findings.extend(_required_documents(folder, versions))
    return versions, sorted(set(findings))


def clashes(versions: Sequence[Version]) -> list[Finding]:
    """What is wrong between versions that are well each by itself, wherever they stand."""
    return [*_overlaps(versions), *_tier_names(versions)]


def _per_document(versions: Sequence[Version]) -> Iterator[list[Version]]:
    """The versions of each document, ascending; those of one number in the order of the files."""
    by_name: dict[str, list[Version]] = {}
    for version in versions:
        by_name.setdefault(version.document.document, []).append(version)
    for group in by_name.values():
        yield sorted(group, key=lambda version: version.document.version)


def _overlaps(versions: Sequence[Version]) -> Iterator[Finding]:
    for group in _per_document(versions):
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


def _tier_names(versions: Sequence[Version]) -> Iterator[Finding]:
    tiers = [version for version in versions if isinstance(version.document.body, TiersBody)]
    for group in _per_document(tiers):
        first = _names(group[0])
        for later in group[1:]:
            if set(_names(later)) != set(first):
                yield later.finding(
                    f"Every version of tiers should name the same tiers: {group[0].key} has {', '.join(first)}, "
                    f"{later.key} has {', '.join(_names(later))}.",
                    "body",
                    "levels",
                )


def _names(version: Version) -> list[str]:
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
        elif isinstance(body, CampaignBody):
            if body.active_to <= body.active_from:
                yield version.finding("A campaign should end after it begins.", "body", "active_to")
            if not body.triggers:
                yield version.finding("A campaign should have a trigger.", "body", "triggers")


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


def _campaign_tiers(versions: Sequence[Version]) -> Iterator[Finding]:
    known = {name for version in versions if isinstance(version.document.body, TiersBody) for name in _names(version)}
    for version in versions:
        body = version.document.body
        if known and isinstance(body, CampaignBody):
            for index, tier in enumerate(body.tiers):
                if tier not in known:
                    yield version.finding(f"There is no tier {tier}.", "body", "tiers", index)


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


def _required_documents(folder: Path, versions: Iterable[Version]) -> Iterator[Finding]:
    names = {version.document.document for version in versions}
    for name in REQUIRED:
        if name not in names:
            yield Finding(str(folder), 1, f"There is no document {name}; without it no transaction can be decided.")


_RULES = (_overlaps, _tier_names, _durations, _bodies, _campaign_tiers, _rewards_can_be_asked_for)
