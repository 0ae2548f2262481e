"""What the generator needs to know of the programme: what can be bought, with what, and what points buy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from loyalty.program import REQUIRED
from loyalty.wire.program import CampaignBody, EarningBody, PartnerBody, ProgramDocument, RewardBody


class Span(NamedTuple):
    """A version of a reward or partner, in force from a moment (ms)."""

    since: int
    points: int
    active: bool


class Shop:
    """The programme of the documents, seen by customers.

    Raises:
        ValueError: it has no currency, no reward, or lacks one of the required documents.
    """

    def __init__(self, documents: Iterable[ProgramDocument]) -> None:
        begins: dict[str, int] = {}
        self.rates: dict[str, tuple[int, int]] = {}
        self.category_bp: dict[str, int] = {}
        self.pending_days = 0
        self.rewards: dict[str, list[Span]] = {}
        self.partners: dict[str, list[Span]] = {}
        campaigns = set()
        for document in sorted(documents, key=lambda document: (document.effective_from, document.version)):
            name, since, body = document.document, document.effective_from, document.body
            begins[name] = min(since, begins.get(name, since))
            if isinstance(body, EarningBody):
                for currency, rate in body.currencies.items():
                    self.rates[currency] = (rate.points, rate.per_minor)
                self.category_bp.update(body.category_bp)
                self.pending_days = max(self.pending_days, body.pending_days)
            elif isinstance(body, RewardBody):
                self.rewards.setdefault(name.partition("/")[2], []).append(Span(since, body.points, body.active))
            elif isinstance(body, PartnerBody):
                self.partners.setdefault(name.partition("/")[2], []).append(Span(since, 0, body.active))
            elif isinstance(body, CampaignBody):
                campaigns.add(name.partition("/")[2])
        self.campaigns = sorted(campaigns)
        missing = [name for name in REQUIRED if name not in begins]
        if missing:
            raise ValueError(f"the programme has no document {missing[0]}")
        if not self.rates or not self.rewards:
            raise ValueError("the programme has no currency or no reward")
        self.opens_at = max(begins[name] for name in REQUIRED)
        """From then on transactions can be decided (ms)."""
        self.currencies = sorted(self.rates)
        self.categories = list(self.category_bp) or ["general"]
        """In the order of the document: what stands first is bought most."""

    def rewards_at(self, moment: int) -> list[tuple[str, int]]:
        """(reward, points) of those that are active, cheapest first."""
        found = [
            (name, span.points) for name, spans in self.rewards.items() if (span := _at(spans, moment)) and span.active
        ]
        return sorted(found, key=lambda reward: (reward[1], reward[0]))

    def partners_at(self, moment: int) -> list[str]:
        return [name for name, spans in self.partners.items() if (span := _at(spans, moment)) and span.active]

    def changes(self) -> list[int]:
        """The moments (ms) at which rewards or partners change."""
        return sorted({span.since for spans in (*self.rewards.values(), *self.partners.values()) for span in spans})


def _at(spans: list[Span], moment: int) -> Span | None:
    return next((span for span in reversed(spans) if span.since <= moment), None)
