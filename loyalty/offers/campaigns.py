"""Which campaigns an engagement may trigger: an index of the programme by trigger and event time.

Engagement is ten to a hundred times the traffic of transactions, and most of it fits no campaign. So the spans of event
time in which a campaign's version is in force *and* active are cut at each other's ends beforehand, trigger by trigger:
asking costs one binary search, however many campaigns there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from loyalty.program import Program
from loyalty.wire.program import CampaignBody, CampaignDocument, ProgramDocument, TiersDocument


class Candidate(msgspec.Struct, array_like=True, frozen=True):
    """A version of a campaign that an engagement fits, with all that its making depends on."""

    campaign_id: str
    version: int
    priority: int
    tiers: list[str]
    """Empty: all."""
    offer_id: str
    bonus_points: int
    min_amount: int
    valid_days: int
    max_per_member: int
    window_days: int
    budget_points: int
    longest_window_days: int
    """The longest window of any version of the campaign: so long the offers it made are counted by someone."""


_NONE: tuple[Candidate, ...] = ()


class Campaigns:
    """The programme documents that offers depend on, learnt one by one."""

    def __init__(self) -> None:
        self._program = Program()
        self._segments: dict[str, tuple[list[int], list[tuple[Candidate, ...]]]] = {}
        self._stale = False

    @staticmethod
    def concerns(document: ProgramDocument) -> bool:
        """Whether offers depend on this document: campaigns, and the tiers that name an account's first level."""
        return isinstance(document, (CampaignDocument, TiersDocument))

    def learn(self, document: ProgramDocument) -> None:
        self._program.learn(document)
        self._stale = True

    def fitting(self, trigger: str, moment: int) -> Sequence[Candidate]:
        """The campaigns that name this engagement type and are active at `moment` (ms), by the version in force then,
        in the order in which they are considered: `priority` descending, then `campaign_id`. Tiers are not looked at.

        None at all where no version of `tiers` is in force yet: there is no programme then.
        """
        if self._stale:
            self._index()
        found = self._segments.get(trigger)
        if found is None:
            return _NONE
        at = bisect_right(found[0], moment)
        return found[1][at - 1] if at else _NONE

    def first_tier(self, moment: int) -> str:
        """The first level of the `tiers` document in force at `moment`. Raises LookupError where there is none."""
        return self._program.tiers(moment).body.levels[0].tier

    def _index(self) -> None:
        self._stale = False
        self._segments = {}
        begin = next(self._program.tiers_from(-(1 << 62)), None)
        if begin is None:
            return
        by_trigger: dict[str, list[tuple[int, int, Candidate]]] = {}
        for campaign_id, spans, longest in self._program.campaigns():
            for span in spans:
                body = span.body
                since = max(span.since, body.active_from, begin.since)
                until = body.active_to if span.until is None else min(span.until, body.active_to)
                if since < until:
                    candidate = _candidate(campaign_id, span.version, body, longest)
                    for trigger in body.triggers:
                        by_trigger.setdefault(trigger, []).append((since, until, candidate))
        self._segments = {trigger: _cut(pieces) for trigger, pieces in by_trigger.items()}


def _candidate(campaign_id: str, version: int, body: CampaignBody, longest_window_days: int) -> Candidate:
    return Candidate(
        campaign_id,
        version,
        body.priority,
        list(body.tiers),
        body.offer.offer_id,
        body.offer.bonus_points,
        body.offer.min_amount,
        body.offer.valid_days,
        body.cap.max_per_member,
        body.cap.window_days,
        body.budget_points,
        longest_window_days,
    )


def _cut(pieces: list[tuple[int, int, Candidate]]) -> tuple[list[int], list[tuple[Candidate, ...]]]:
    """Moments at which the answer changes, and the answer from each of them on."""
    changes: dict[int, tuple[list[Candidate], list[Candidate]]] = {}
    for since, until, candidate in pieces:
        changes.setdefault(since, ([], []))[0].append(candidate)
        changes.setdefault(until, ([], []))[1].append(candidate)
    moments = sorted(changes)
    answers: list[tuple[Candidate, ...]] = []
    active: dict[str, Candidate] = {}
    for moment in moments:
        begins, ends = changes[moment]
        for candidate in ends:
            del active[candidate.campaign_id]
        for candidate in begins:
            active[candidate.campaign_id] = candidate
        answers.append(tuple(sorted(active.values(), key=lambda one: (-one.priority, one.campaign_id))))
    return moments, answers
