"""Why a campaign, though it is well formed, would do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from loyalty.times import format_time
from loyalty.wire.program import CampaignBody, EarningBody, TiersBody
from ops.program.documents import Finding, Version, per_document


def can_make_offers(versions: Sequence[Version]) -> Iterator[Finding]:
    """Each version by itself."""
    for version, body in _campaigns(versions):
        if body.active_to <= body.active_from:
            yield version.finding("A campaign should end after it begins.", "body", "active_to")
        if not body.triggers:
            yield version.finding("A campaign should have a trigger.", "body", "triggers")
        bonus = body.offer.bonus_points
        if body.budget_points < bonus:
            yield version.finding(
                f"No offer could be made: budget_points ({body.budget_points}) should be at least one bonus, the "
                f"{bonus} bonus_points of the offer.",
                "body",
                "budget_points",
            )
        if body.cap.max_per_member == 0:
            yield version.finding(
                "No member could have an offer: max_per_member should be at least 1. A campaign is ended by a version "
                "with an earlier active_to.",
                "body",
                "cap",
                "max_per_member",
            )
        if body.offer.valid_days == 0:
            yield version.finding(
                "No purchase could take up the offer: valid_days should be at least 1.", "body", "offer", "valid_days"
            )


def are_in_force(versions: Sequence[Version]) -> Iterator[Finding]:
    """A version counts for events from its `effective_from` on. One that is over by then makes no offer; it is sound
    only where it ends what the version before it would have gone on with."""
    for group in per_document([version for version, _ in _campaigns(versions)]):
        for before, version in pairwise([None, *group]):
            assert version is not None
            active_to, since = _body(version).active_to, version.document.effective_from
            if active_to <= since and (before is None or _body(before).active_to <= since):
                yield version.finding(
                    f"{version.key} would never be in force while it is active: it takes effect at "
                    f"{format_time(since)}, and its active_to is {format_time(active_to)}. effective_from should be "
                    "earlier, or active_to later.",
                    "effective_from",
                )


def name_tiers_that_there_are(versions: Sequence[Version]) -> Iterator[Finding]:
    known = {
        level.tier
        for version in versions
        if isinstance(version.document.body, TiersBody)
        for level in version.document.body.levels
    }
    for version, body in _campaigns(versions):
        for index, tier in enumerate(body.tiers):
            if known and tier not in known:
                yield version.finding(f"There is no tier {tier}.", "body", "tiers", index)


def name_currencies_that_earn(versions: Sequence[Version]) -> Iterator[Finding]:
    known = {
        currency
        for version in versions
        if isinstance(version.document.body, EarningBody)
        for currency in version.document.body.currencies
    }
    for version, body in _campaigns(versions):
        currency = body.offer.currency
        if known and currency is not None and currency not in known:
            yield version.finding(
                f"No purchase could take up the offer: no version of earning has a rate for {currency}.",
                "body",
                "offer",
                "currency",
            )


def _campaigns(versions: Sequence[Version]) -> Iterator[tuple[Version, CampaignBody]]:
    for version in versions:
        if isinstance(version.document.body, CampaignBody):
            yield version, version.document.body


def _body(version: Version) -> CampaignBody:
    body = version.document.body
    assert isinstance(body, CampaignBody)
    return body
