"""The offers' part of `loyalty reconcile`: sequences, one offer an event, caps, budgets and consent, from the topics
alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from loyalty.program import CAMPAIGN
from loyalty.records import Record
from loyalty.times import DAY_MS, MINUTE_MS, parse_time
from loyalty.wire.members import MemberConsent, parse_member
from loyalty.wire.program import CampaignBody, parse_program_document
from loyalty.wire.reading import WireError

ON_ITS_WAY_MS = MINUTE_MS
"""A consent that was sent less than this before an offer was made may not have been known yet."""


class Consent(NamedTuple):
    """What a member agreed to, since when, and when the record was sent (ms)."""

    occurred_at: int
    sent_at: int
    offers: bool


class OffersBook:
    """Every offer decision, each once; and what members and programme say about them."""

    def __init__(self, members: Iterable[Record], program: Iterable[Record]) -> None:
        self._consents: dict[str, list[Consent]] = defaultdict(list)
        self._campaigns: dict[tuple[str, int], CampaignBody] = {}
        self._by_id: dict[str, dict[str, Any]] = {}
        self._sequences: dict[str, dict[int, str]] = defaultdict(dict)
        for record in members:
            self._learn_consent(record)
        for record in program:
            self._learn_campaign(record)

    @property
    def made(self) -> list[dict[str, Any]]:
        return [decision for decision in self._by_id.values() if decision["outcome"] == "made"]

    @property
    def suppressed(self) -> int:
        return len(self._by_id) - len(self.made)

    @property
    def members(self) -> int:
        return len(self._sequences)

    def take(self, decision: dict[str, Any], violations: list[str]) -> bool:
        """The next decision; False where it repeats one, as at-least-once delivery may."""
        decision_id, member_id, sequence = decision["decision_id"], decision["member_id"], decision["sequence"]
        known = self._by_id.get(decision_id)
        if known is not None:
            if {**known, "decided_at": None} != {**decision, "decided_at": None}:
                violations.append(f"Offer decision {decision_id} of {member_id} is there with two contents.")
            return False
        self._by_id[decision_id] = decision
        if self._sequences[member_id].setdefault(sequence, decision_id) != decision_id:
            violations.append(f"{member_id} has two different offer decisions of sequence {sequence}.")
        return True

    def violations(self) -> list[str]:
        """What is wrong with all of them together."""
        return [
            *self._gaps(),
            *self._two_of_one_event(),
            *self._overspent(),
            *self._over_cap(),
            *self._without_consent(),
        ]

    def _learn_consent(self, record: Record) -> None:
        try:
            fact = parse_member(record.value)
        except WireError:  # a dead letter
            return
        if isinstance(fact, MemberConsent):
            self._consents[fact.member_id].append(Consent(fact.occurred_at, record.timestamp_ms, fact.offers))

    def _learn_campaign(self, record: Record) -> None:
        try:
            document = parse_program_document(record.value)
        except WireError:  # a dead letter
            return
        if isinstance(document.body, CampaignBody):
            self._campaigns[document.document, document.version] = document.body

    def _campaign(self, decision: dict[str, Any]) -> tuple[str, CampaignBody | None]:
        name, version = next(
            ((name, version) for name, version in decision["rules"].items() if name.startswith(CAMPAIGN)), ("", 0)
        )
        return name, self._campaigns.get((name, version))

    def _gaps(self) -> list[str]:
        return [
            f"{member_id} has a gap in the sequence of offer decisions."
            for member_id, sequences in self._sequences.items()
            if max(sequences) != len(sequences)
        ]

    def _two_of_one_event(self) -> list[str]:
        by_event: dict[tuple[str, str, str], int] = defaultdict(int)
        for decision in self.made:
            by_event[decision["member_id"], decision["cause"]["event_id"], decision["occurred_at"]] += 1
        return [
            f"{whose} was made {count} offers by event {event}."
            for (whose, event, _), count in by_event.items()
            if count > 1
        ]

    def _overspent(self) -> list[str]:
        """Versions of a campaign share what was used, so the largest of their budgets is the limit."""
        used: dict[str, int] = defaultdict(int)
        budget: dict[str, int] = defaultdict(int)
        for decision in self.made:
            name, body = self._campaign(decision)
            if body is not None:
                used[name] += body.offer.bonus_points
                budget[name] = max(budget[name], body.budget_points)
        return [
            f"The offers of {name} use {points} points, its budget is {budget[name]}."
            for name, points in used.items()
            if points > budget[name]
        ]

    def _over_cap(self) -> list[str]:
        """Where one version of a campaign made all of a member's offers; caps of several cannot be told apart here."""
        times: dict[tuple[str, str], list[int]] = defaultdict(list)
        bodies: dict[tuple[str, str], list[CampaignBody]] = defaultdict(list)
        for decision in self.made:
            name, body = self._campaign(decision)
            if body is not None:
                times[decision["member_id"], name].append(parse_time(decision["occurred_at"]))
                if body not in bodies[decision["member_id"], name]:
                    bodies[decision["member_id"], name].append(body)
        found = []
        for (member_id, name), moments in times.items():
            if len(bodies[member_id, name]) > 1:
                continue
            cap = bodies[member_id, name][0].cap
            window = cap.window_days * DAY_MS
            if any(sum(end - window < at <= end for at in moments) > cap.max_per_member for end in moments):
                found.append(f"{member_id} was made more offers of {name} than its cap allows.")
        return found

    def _without_consent(self) -> list[str]:
        found = []
        for decision in self.made:
            known_by = parse_time(decision["decided_at"]) - ON_ITS_WAY_MS
            consents = self._consents.get(decision["member_id"], ())
            at = parse_time(decision["occurred_at"])
            said = max((one for one in consents if one.occurred_at <= at), default=None)
            # Compaction keeps the latest consent only, so one from before the offer may be gone.
            refused = said is not None and not said.offers and said.sent_at < known_by
            if refused or not consents:
                found.append(f"{decision['member_id']} was made an offer without having agreed to offers.")
        return found
