"""The programme in force at an event time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from loyalty.times import DAY_MS
from loyalty.wire.program import (
    CampaignBody,
    EarningBody,
    FraudBody,
    PartnerBody,
    ProgramDocument,
    RedemptionBody,
    RewardBody,
    TiersBody,
)

B = TypeVar("B")

REQUIRED = ("earning", "tiers", "redemption", "fraud")
"""Without a version of each of these in force no transaction is decided (contract §3)."""

CAMPAIGN = "campaign/"
"""What the name of a campaign's document begins with."""

REMEMBER_QUALIFYING_MS = 731 * DAY_MS


@dataclass(frozen=True)
class InForce(Generic[B]):
    """A version of a document and the span of event time, in ms, in which it is the one in force."""

    version: int
    body: B
    since: int
    until: int | None


class _Timeline(Generic[B]):
    def __init__(self, document: str) -> None:
        self._document = document
        self.versions: dict[int, InForce[B]] = {}
        """Each version by itself, as if none followed it."""
        self._starts: list[int] = []
        self._spans: list[InForce[B]] = []
        self._latest: InForce[B] | None = None
        """The one that was asked for last: nearly always the one that is asked for next."""

    def add(self, version: int, effective_from: int, body: B) -> None:
        self.versions[version] = InForce(version, body, effective_from, None)
        spans: list[tuple[int, int]] = []
        for candidate in sorted(self.versions.values(), key=lambda one: (one.since, one.version)):
            if spans and candidate.version < spans[-1][1]:
                continue  # a higher version is in force already
            if spans and spans[-1][0] == candidate.since:
                spans.pop()
            spans.append((candidate.since, candidate.version))
        self._latest = None
        self._starts = [start for start, _ in spans]
        ends: list[int | None] = [*self._starts[1:], None]
        self._spans = [
            InForce(candidate, self.versions[candidate].body, start, end)
            for (start, candidate), end in zip(spans, ends, strict=True)
        ]

    def at(self, moment: int) -> InForce[B] | None:
        """The version in force at `moment` (ms)."""
        latest = self._latest
        if latest is not None and latest.since <= moment and (latest.until is None or moment < latest.until):
            return latest
        found = bisect_right(self._starts, moment)
        if not found:
            return None
        self._latest = self._spans[found - 1]
        return self._latest

    def required_at(self, moment: int) -> InForce[B]:
        """As `at`. Raises LookupError where there is none: `Program.missing` is asked first."""
        latest = self._latest
        if latest is not None and latest.since <= moment and (latest.until is None or moment < latest.until):
            return latest  # as in `at`, without the call: this is asked eight times for a purchase
        found = self.at(moment)
        if found is None:
            raise LookupError(f"no version of {self._document} is in force at {moment}")
        return found

    @property
    def begins(self) -> int | None:
        """From then on, ms, some version is in force; None before there is any."""
        return self._starts[0] if self._starts else None

    def spans(self) -> Sequence[InForce[B]]:
        return self._spans

    def from_moment(self, moment: int) -> Iterator[InForce[B]]:
        found = bisect_right(self._starts, moment)
        yield from self._spans[max(found - 1, 0) :]


class Program:
    """Every version of every document known so far.

    In force for an event is the highest version of a document whose `effective_from` is not after the event's
    `occurred_at` (contract §3). A version that arrives twice counts as it arrived last, which is what compaction
    keeps.
    """

    def __init__(self) -> None:
        self._earning: _Timeline[EarningBody] = _Timeline("earning")
        self._tiers: _Timeline[TiersBody] = _Timeline("tiers")
        self._redemption: _Timeline[RedemptionBody] = _Timeline("redemption")
        self._fraud: _Timeline[FraudBody] = _Timeline("fraud")
        self._required: tuple[_Timeline[Any], ...] = (self._earning, self._tiers, self._redemption, self._fraud)
        self._timelines: dict[str, _Timeline[Any]] = dict(zip(REQUIRED, self._required, strict=True))
        self._complete_from: int | None = None
        """From then on, ms, a version of each of the four required documents is in force."""
        self.tiers_known = 0
        """How many versions of `tiers` have been learnt."""
        self.remember_qualifying_ms = REMEMBER_QUALIFYING_MS
        self.earning: Callable[[int], InForce[EarningBody]] = self._earning.required_at
        """The document in force at a moment (ms); so are the three below."""
        self.tiers: Callable[[int], InForce[TiersBody]] = self._tiers.required_at
        self.redemption: Callable[[int], InForce[RedemptionBody]] = self._redemption.required_at
        self.fraud: Callable[[int], InForce[FraudBody]] = self._fraud.required_at

    def learn(self, document: ProgramDocument) -> None:
        body = document.body
        timeline = self._timelines.get(document.document)
        if timeline is None:
            timeline = self._timelines[document.document] = _Timeline(document.document)
        timeline.add(document.version, document.effective_from, body)
        begins = [required.begins for required in self._required]
        self._complete_from = None if None in begins else max(moment for moment in begins if moment is not None)
        if isinstance(body, TiersBody):
            self.tiers_known += 1
            self.remember_qualifying_ms = max(self.remember_qualifying_ms, body.window_days * DAY_MS)

    def _at(self, document: str, moment: int) -> InForce[Any] | None:
        timeline = self._timelines.get(document)
        return None if timeline is None else timeline.at(moment)

    def version(self, document: str, version: int) -> InForce[Any]:
        """A version of a document, whether or not it is in force. Raises LookupError where it is not known."""
        timeline = self._timelines.get(document)
        found = None if timeline is None else timeline.versions.get(version)
        if found is None:
            raise LookupError(f"version {version} of {document} is not known")
        return found

    def missing(self, moment: int) -> str | None:
        """The first of the four required documents that is not in force at `moment` (ms), if any."""
        if self._complete_from is not None and moment >= self._complete_from:
            return None
        return next(document for document in REQUIRED if self._at(document, moment) is None)

    def tiers_before(self, moment: int) -> InForce[TiersBody] | None:
        """The tiers document in force a millisecond before `moment`; None where there was none yet."""
        return self._tiers.at(moment - 1)

    def tiers_from(self, moment: int) -> Iterator[InForce[TiersBody]]:
        """The tiers document in force at `moment`, then those that follow it in time."""
        return self._tiers.from_moment(moment)

    def partner(self, partner_id: str, moment: int) -> InForce[PartnerBody] | None:
        return self._at(f"partner/{partner_id}", moment)

    def reward(self, reward_id: str, moment: int) -> InForce[RewardBody] | None:
        return self._at(f"reward/{reward_id}", moment)

    def names(self) -> list[str]:
        """Every document of which a version is known, by its name."""
        return sorted(self._timelines)

    def in_force(self, document: str, moment: int) -> InForce[Any] | None:
        """The version of any document in force at `moment` (ms)."""
        return self._at(document, moment)

    def campaign_version(self, campaign_id: str, version: int) -> CampaignBody | None:
        """What a version of a campaign says, whether or not it is in force; None while it is not known."""
        timeline = self._timelines.get(f"{CAMPAIGN}{campaign_id}")
        found = None if timeline is None else timeline.versions.get(version)
        return None if found is None else found.body

    def campaigns(self) -> Iterator[tuple[str, Sequence[InForce[CampaignBody]], int]]:
        """Each campaign's id, its versions in the order in which they are in force, and the longest `window_days` of
        the cap of any version, in force or not."""
        for document, timeline in self._timelines.items():
            if document.startswith(CAMPAIGN):
                campaign: _Timeline[CampaignBody] = timeline
                longest = max(one.body.cap.window_days for one in campaign.versions.values())
                yield document[len(CAMPAIGN) :], campaign.spans(), longest
